//! (front page of `run`)
