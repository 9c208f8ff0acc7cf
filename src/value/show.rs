//! Values as people read them; a secret is `‹name›`.
