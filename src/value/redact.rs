//! Finds known secrets, encoded forms included, in what leaves the program.
