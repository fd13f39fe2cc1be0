//! All that is drawn, in rows: for who cannot see the charts, and for the cursor.

use csi_stretch_oracle::report::{Series, SizeSource};

use super::{
    sizes::{self, SOURCES},
    slices::{Rate, Slices},
};
use crate::text;

/// Columns after the time, in order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Column {
    Bulk,
    Query,
    BulkP99,
    QueryP99,
    Written,
    Verified,
    Free,
    Size(SizeSource),
}

pub struct Table {
    pub heads: Vec<&'static str>,
    /// Time, and the other cells.
    pub rows: Vec<(String, Vec<String>)>,
}

const PLAIN: [(Column, &str); 7] = [
    (Column::Bulk, "bulk/s"),
    (Column::Query, "queries/s"),
    (Column::BulkP99, "bulk p99"),
    (Column::QueryP99, "query p99"),
    (Column::Written, "data"),
    (Column::Verified, "verified rows"),
    (Column::Free, "available"),
];

impl Column {
    /// Position in a row.
    pub fn index(self) -> usize {
        let of_source = |source| SOURCES.iter().position(|(one, ..)| *one == source);
        let at = match self {
            Self::Size(source) => of_source(source).map(|at| PLAIN.len() + at),
            plain => PLAIN.iter().position(|(one, _)| *one == plain),
        };
        at.map_or(0, |at| at + 1)
    }
}

pub fn table(series: &Series, slices: &Slices<'_>) -> Table {
    let middles = slices.middles();
    let rate = |rate: Option<Rate>| {
        rate.map(|rate| format!("{}/s", text::grouped(rate.middle.round() as u64)))
    };
    let size = |bytes: Option<u64>| bytes.map(text::about);
    let mut columns: Vec<Vec<Option<String>>> = vec![
        slices.rates(|one| one.bulk).into_iter().map(rate).collect(),
        slices.rates(|one| one.query).into_iter().map(rate).collect(),
        slices.latencies(|one| one.bulk).into_iter().map(|us| us.map(text::ms)).collect(),
        slices.latencies(|one| one.query).into_iter().map(|us| us.map(text::ms)).collect(),
        slices.last(|one| one.data_bytes).into_iter().map(size).collect(),
        slices.last(|one| one.verified_bytes).into_iter().map(size).collect(),
        slices.last(|one| one.statfs_available).into_iter().map(size).collect(),
    ];
    for (source, ..) in SOURCES {
        let line = sizes::line(series, source);
        let at = |at_us: &u64| line.and_then(|line| sizes::at(line, *at_us)).map(text::size);
        columns.push(middles.iter().map(at).collect());
    }
    let row = |(number, at_us): (usize, &u64)| {
        let cell = |column: &Vec<Option<String>>| {
            column.get(number).cloned().flatten().unwrap_or_else(|| "–".to_owned())
        };
        (slices.time.clock(*at_us), columns.iter().map(cell).collect())
    };
    let heads = PLAIN.iter().map(|(_, head)| *head).chain(SOURCES.iter().map(|(.., name)| *name));
    Table { heads: heads.collect(), rows: middles.iter().enumerate().map(row).collect() }
}
