//! Broken files, one for each kind of mistake, and the library as a whole.

mod coverage;
mod library;
mod mistakes;
mod planning;
