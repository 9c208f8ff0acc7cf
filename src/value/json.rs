//! Values and JSON, both ways; digits and key order are kept.
