//! Text → a value of a type (`--set`, answers, JSON parameters); whether a value fits a type.
