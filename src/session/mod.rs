//! (front page of `session`)
