//! (front page of `report`)
