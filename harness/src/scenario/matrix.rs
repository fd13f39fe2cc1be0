//! The combinations of a scenario's matrix values.

use super::{
    error::{At, Problem},
    file::File,
    lexeme::{Handle, Text},
    word::{Axes, Word},
};

/// Most combinations of one file; more is a mistake.
const COMBINATIONS_MAX: usize = 256;

/// One combination.
#[derive(Clone, Debug)]
pub(crate) struct Combination {
    pub axes: Axes,
    /// `[fs=xfs,path=target]`, in the order of the file; empty without a matrix.
    pub suffix: String,
}

/// All combinations; the first axis of the file changes slowest.
pub(crate) fn combinations(file: &File) -> Result<Vec<Combination>, Problem> {
    let none = Axes::default();
    let mut rows: Vec<Vec<Pick>> = vec![Vec::new()];
    for (name, values) in file.matrix.iter().flat_map(|matrix| &matrix.0) {
        let Handle(axis) = name.get(&none)?;
        if values.is_empty() {
            return Err(Problem::new(name.at, format!("the axis `{axis}` has no values")));
        }
        let mut next = Vec::with_capacity(rows.len() * values.len());
        if let Some(twice) = twice(values) {
            let message = format!("`{}` stands twice in the axis `{axis}`", twice.text);
            return Err(Problem::new(twice.at, message));
        }
        for row in &rows {
            for value in values {
                let text = value.get(&none)?.0;
                check_value(&text).map_err(|message| Problem::new(value.at, message))?;
                let mut row = row.clone();
                row.push(Pick { axis: axis.clone(), value: text.clone(), at: value.at });
                next.push(row);
            }
        }
        if next.len() > COMBINATIONS_MAX {
            let message = format!("more than {COMBINATIONS_MAX} combinations");
            return Err(Problem::new(name.at, message));
        }
        rows = next;
    }
    Ok(rows.into_iter().map(combination).collect())
}

/// Two instances would have one id.
fn twice(values: &[Word<Text>]) -> Option<&Word<Text>> {
    let mut before = std::collections::BTreeSet::new();
    values.iter().find(|word| !before.insert(&word.text))
}

/// Values become part of an instance's id.
fn check_value(text: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._+-/ ".contains(c);
    if !text.is_empty() && text.len() <= 40 && text.chars().all(fits) {
        return Ok(());
    }
    Err("a matrix value has up to 40 letters, digits, `.`, `_`, `+`, `-` or `/`".to_owned())
}

/// One value of one axis.
#[derive(Clone)]
struct Pick {
    axis: String,
    value: String,
    at: At,
}

fn combination(row: Vec<Pick>) -> Combination {
    let pairs: Vec<String> =
        row.iter().map(|Pick { axis, value, .. }| format!("{axis}={value}")).collect();
    let suffix = if pairs.is_empty() { String::new() } else { format!("[{}]", pairs.join(",")) };
    let mut axes = Axes::default();
    for Pick { axis, value, at } in row {
        axes.places.insert(axis.clone(), at);
        axes.values.insert(axis, value);
    }
    Combination { axes, suffix }
}
