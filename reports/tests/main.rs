//! Every format of the same few reports.

mod console;
mod fixture;
mod html;
mod json;
mod junit;
mod markdown;
mod write;
