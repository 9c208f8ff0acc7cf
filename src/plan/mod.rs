//! (front page of `plan`)
