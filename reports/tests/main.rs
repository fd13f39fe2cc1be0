//! Every format of the same few reports.

mod annotations;
mod console;
mod fixture;
mod html;
mod json;
mod junit;
mod junit_rules;
mod known;
mod markdown;
mod write;
