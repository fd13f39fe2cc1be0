//! Reads one scenario and checks all of it: words, names, every combination of its matrix, the
//! order of its steps. What loads can be planned.

use std::collections::BTreeMap;

use csi_stretch_oracle::{
    history::{Scale, Slo},
    offer,
};

use super::{
    Scenario,
    compile::{Choice, compile},
    error::{LoadError, Problem},
    file::File,
    library::clause_ids,
    matrix::combinations,
    size::{Rules, Sizes},
    walk::walk,
    word::{Axes, Word},
    yaml,
};

/// Reads a scenario from the text of its file. `path` names it: what stands after `scenarios/`,
/// without the ending, is its id.
///
/// # Errors
/// The first mistake, with line, column and the nearest known word.
pub fn load(
    path: &str,
    text: &str,
    known_clauses: &dyn Fn(&str) -> bool,
) -> Result<Scenario, LoadError> {
    let id = path.rsplit_once("scenarios/").map_or(path, |(_, id)| id);
    load_as(id.trim_start_matches("./"), path, text, known_clauses)
}

/// As [`load`], with the id (ending included) apart from the path that messages show.
pub(crate) fn load_as(
    id: &str,
    path: &str,
    text: &str,
    known_clauses: &dyn Fn(&str) -> bool,
) -> Result<Scenario, LoadError> {
    let id = id.strip_suffix(".yaml").or(id.strip_suffix(".yml")).unwrap_or(id);
    read(id, text, known_clauses).map_err(|problem| LoadError::new(path, text, problem))
}

fn read(id: &str, text: &str, known: &dyn Fn(&str) -> bool) -> Result<Scenario, Problem> {
    let file = yaml::parse(text)?;
    let clauses = strings(&file.clauses, |word, text| check_clause(word, text, known))?;
    let requires = strings(&file.requires, check_offer)?;
    let labels = strings(&file.labels, |_, _| Ok(()))?;
    let about = file.about.get(&Axes::default())?.0;
    let lists = [
        ("about", about.trim().is_empty()),
        ("clauses", clauses.is_empty()),
        ("steps", file.steps.is_empty()),
    ];
    if let Some((key, _)) = lists.iter().find(|(_, empty)| *empty) {
        return Err(Problem::new(file.about.at, format!("`{key}` is empty")));
    }
    let parallel = file.steps.iter().flat_map(|entry| entry.step.parallel.iter().flatten());
    let steps = file.steps.iter().chain(parallel);
    for word in steps.filter_map(|entry| entry.step.clause.as_ref()) {
        check_clause(word, &word.text, known)?;
    }
    for combination in combinations(&file)? {
        let choice = Choice {
            axes: &combination.axes,
            kind: "",
            sizes: Sizes::default(),
            rules: Rules::ANY,
            parameters: &BTreeMap::new(),
        };
        walk(&compile(&file, &choice)?, &requires)?;
        cost(&file, &combination.axes)?;
    }
    check_axes(&file, text)?;
    Ok(Scenario { id: id.to_owned(), about, clauses, requires, labels, file })
}

/// What a growth may cost, and what stands on the axes of the charts, under the chosen matrix values.
pub(crate) fn cost(file: &File, axes: &Axes) -> Result<(Option<Slo>, Option<Scale>), Problem> {
    let at = file.about.at;
    let slo = file.slo.as_ref().map(|slo| slo.get(axes, at)).transpose()?;
    let scale = file.scale.as_ref().map(|scale| scale.get(axes, at)).transpose()?;
    Ok((slo, scale))
}

fn strings<T: super::word::Lexeme>(
    words: &[Word<T>],
    check: impl Fn(&Word<T>, &str) -> Result<(), Problem>,
) -> Result<Vec<String>, Problem> {
    words.iter().map(|word| check(word, &word.text).map(|()| word.text.clone())).collect()
}

fn check_clause<T>(word: &Word<T>, id: &str, known: &dyn Fn(&str) -> bool) -> Result<(), Problem> {
    if known(id) {
        return Ok(());
    }
    let ids = clause_ids().filter(|id| known(id));
    Err(Problem::unknown(word.at, "clause", id, ids))
}

/// An offer, or `!` and one that must be missing.
fn check_offer<T>(word: &Word<T>, name: &str) -> Result<(), Problem> {
    let name = name.strip_prefix('!').unwrap_or(name);
    if offer::is_known(name) {
        return Ok(());
    }
    let known = offer::KNOWN.iter().map(|(name, _)| *name);
    Err(Problem::unknown(word.at, "offer", name, known))
}

/// Keys of a volume that an axis of the same name fills.
const VOLUME_AXES: [&str; 4] = ["fs", "access", "size", "mode"];

/// An axis that nothing uses would only run the same thing several times.
fn check_axes(file: &File, text: &str) -> Result<(), Problem> {
    for (name, _) in file.matrix.iter().flat_map(|matrix| &matrix.0) {
        let volumes = file.volume.is_some() || file.volumes.is_some();
        let fills = volumes && VOLUME_AXES.contains(&name.text.as_str());
        if !fills && !text.contains(&format!("${{{}}}", name.text)) {
            let message = format!("nothing uses the axis: write `${{{}}}` somewhere", name.text);
            return Err(Problem::new(name.at, message));
        }
    }
    Ok(())
}
