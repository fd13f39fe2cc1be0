//! From JSON, flags and words to requests, and the secrets that go into them.

use std::collections::BTreeMap;

use csi_stretch_oracle::action::Rpc;
use prost_reflect::{DynamicMessage, MapKey, ReflectMessage as _, Value as Field};
use serde::de::DeserializeSeed as _;
use serde_json::{Map, Value, json};

use super::{
    args::Common,
    fields::{self, Given},
    method::Method,
};
use crate::{cli::outcome::Failure, client::secrets::Secrets, target::secrets};

/// A request, and what its line said it is about.
pub struct Draft {
    pub message: DynamicMessage,
    /// The word, an id or a name, as csc prints it.
    pub subject: String,
}

/// One request for each subject, or one without any.
pub fn drafts(
    method: &Method,
    json: Option<&str>,
    flags: &Given,
    subjects: &[&str],
) -> Result<Vec<Draft>, Failure> {
    let mut base = match json {
        None => Value::Object(Map::new()),
        // Read once as it stands, so that an error's line and column are the user's.
        Some(text) => {
            message(method, &mut serde_json::Deserializer::from_str(text))?;
            serde_json::from_str(text).map_err(|error| Failure::usage(error.to_string()))?
        }
    };
    for (path, value) in flags {
        set(&mut base, path, value.clone());
    }
    let mut drafts = Vec::new();
    for words in calls(method, subjects)? {
        let mut request = base.clone();
        for (field, word) in &words {
            set(&mut request, std::slice::from_ref(field), json!(word));
        }
        let message = whole(method, &request)?;
        let subject = method
            .subject()
            .and_then(|field| message.get_field(&field).as_str().map(str::to_owned));
        drafts.push(Draft { message, subject: subject.unwrap_or_default() });
    }
    Ok(drafts)
}

/// For each call the fields that words fill.
fn calls(method: &Method, words: &[&str]) -> Result<Vec<Vec<(String, String)>>, Failure> {
    let Some(subject) = method.subject() else {
        return match words.first() {
            None => Ok(vec![Vec::new()]),
            Some(word) => Err(Failure::usage(format!(
                "{} takes no `{word}`: its request is JSON, such as '{{…}}', or flags",
                method.0.name()
            ))),
        };
    };
    let name = || subject.name().to_owned();
    let one = |word: &&str| vec![(name(), (*word).to_owned())];
    // Of a method with a path, `ID:PATH[:STAGING]`.
    let as_csc = method.path().is_some() && words.iter().all(|word| word.contains(":/"));
    match (method.path(), words) {
        (_, []) => Ok(vec![Vec::new()]),
        (None, _) | (Some(_), [_]) if !as_csc => Ok(words.iter().map(one).collect()),
        (Some(path), [id, at]) if !as_csc => {
            Ok(vec![vec![(name(), (*id).to_owned()), (path.name().to_owned(), (*at).to_owned())]])
        }
        (Some(_), _) if as_csc => {
            let parts = [name(), "volume_path".to_owned(), "staging_target_path".to_owned()];
            let split = |word: &&str| {
                let values = word.split(':').map(str::to_owned);
                parts.iter().cloned().zip(values).collect()
            };
            Ok(words.iter().map(split).collect())
        }
        (path, _) => Err(Failure::usage(format!(
            "{} takes one {} and one {}",
            method.0.name(),
            subject.name(),
            path.map_or_else(String::new, |path| path.name().to_owned())
        ))),
    }
}

fn set(request: &mut Value, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        *request = value;
        return;
    };
    if !request.is_object() {
        *request = Value::Object(Map::new());
    }
    if let Value::Object(map) = request {
        set(map.entry(first.clone()).or_insert(Value::Null), rest, value);
    }
}

fn whole(method: &Method, request: &Value) -> Result<DynamicMessage, Failure> {
    let text = request.to_string();
    message(method, &mut serde_json::Deserializer::from_str(&text))
}

fn message(
    method: &Method,
    reader: &mut serde_json::Deserializer<serde_json::de::StrRead<'_>>,
) -> Result<DynamicMessage, Failure> {
    let input = method.0.input();
    let name = input.name().to_owned();
    let wrong =
        |error: serde_json::Error| Failure::usage(format!("the request is no {name}: {error}"));
    let message = input.deserialize(&mut *reader).map_err(wrong)?;
    reader.end().map_err(wrong)?;
    Ok(message)
}

/// What goes into the secret fields of a method's requests.
pub fn of_method(method: &Method, common: &Common) -> Result<BTreeMap<String, String>, Failure> {
    let env = std::env::var("X_CSI_SECRETS").unwrap_or_default();
    let mut map: BTreeMap<String, String> = fields::pairs(&env).collect();
    if let Some(path) = &common.secrets {
        let file = secrets::load(path).map_err(Failure::usage)?;
        let rpc = Rpc::ALL.iter().find(|(_, name, _)| *name == method.0.name());
        map.extend(rpc.into_iter().flat_map(|(rpc, ..)| file.of(*rpc)));
    }
    Ok(map)
}

/// Fills the secret fields that the request leaves empty.
pub fn fill(message: &mut DynamicMessage, secrets: &BTreeMap<String, String>) {
    let fields: Vec<_> = message.descriptor().fields().filter(fields::is_secret).collect();
    for field in fields.iter().filter(|field| field.is_map()) {
        if message.has_field(field) {
            continue;
        }
        let entries = secrets.iter();
        let entries = entries.map(|(k, v)| (MapKey::String(k.clone()), Field::String(v.clone())));
        message.set_field(field, Field::Map(entries.collect()));
    }
}

/// The values in a request's secret fields, for what comes back.
pub fn hidden(message: &DynamicMessage) -> Secrets {
    let mut values = Vec::new();
    for (field, value) in message.fields().filter(|(field, _)| fields::is_secret(field)) {
        match value {
            Field::Map(map) => values.extend(map.values().filter_map(Field::as_str)),
            other if !field.is_list() => values.extend(other.as_str()),
            _ => {}
        }
    }
    Secrets::default().hiding(values)
}

/// Empties every field that the protocol marks `csi_secret`. Answers have none today; the option,
/// not the name, decides, so a field that a later version marks is covered.
pub fn redact(message: &mut DynamicMessage) {
    let fields: Vec<_> = message.fields().map(|(field, _)| field).collect();
    for field in fields {
        if fields::is_secret(&field) {
            message.clear_field(&field);
            continue;
        }
        match message.get_field_mut(&field) {
            Field::Message(inner) => redact(inner),
            Field::List(list) => {
                list.iter_mut().filter_map(Field::as_message_mut).for_each(redact);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{
        super::method::{Methods, Spelling},
        *,
    };

    /// The requests of a line, as JSON.
    fn of(line: &[&str]) -> Result<Vec<Value>, String> {
        let found = Methods::load().unwrap().find(line).unwrap();
        let rest = &line[found.words..];
        let matches = found.method.command(Spelling::Csc).try_get_matches_from(rest);
        let matches = matches.map_err(|error| error.to_string())?;
        let drafts = super::super::requests(&found.method, &matches, Spelling::Csc);
        let drafts = drafts.map_err(|failure| failure.message)?;
        Ok(drafts.iter().map(|draft| serde_json::to_value(&draft.message).unwrap()).collect())
    }

    #[rstest]
    #[case::no_words("identity probe", json!([{}]))]
    #[case::two_names("controller create a b", json!([{"name": "a"}, {"name": "b"}]))]
    #[case::by_name("DeleteVolume v", json!([{"volumeId": "v"}]))]
    #[case::cscs_sizes("controller expand --req-bytes 10 --lim-bytes=20 v",
        json!([{"volumeId": "v", "capacityRange": {"requiredBytes": "10", "limitBytes": "20"}}]))]
    #[case::sizes_with_units("ControllerExpandVolume v --required-bytes 64MiB",
        json!([{"volumeId": "v", "capacityRange": {"requiredBytes": "67108864"}}]))]
    #[case::contexts("node publish --target-path /t --pub-context server=a,share=b --vol-context=k=v=w --read-only V",
        json!([{"volumeId": "V", "targetPath": "/t", "publishContext": {"server": "a", "share": "b"},
            "volumeContext": {"k": "v=w"}, "readonly": true}]))]
    #[case::capabilities("controller validate v --cap 5,1 --cap SINGLE_NODE_WRITER,mount,xfs,uid=500,ro",
        json!([{"volumeId": "v", "volumeCapabilities": [
            {"block": {}, "accessMode": {"mode": "MULTI_NODE_MULTI_WRITER"}},
            {"mount": {"fsType": "xfs", "mountFlags": ["uid=500", "ro"]},
             "accessMode": {"mode": "SINGLE_NODE_WRITER"}}]}]))]
    #[case::id_and_path("node expand v /p", json!([{"volumeId": "v", "volumePath": "/p"}]))]
    #[case::stats_as_csc("node stats v:/p:/s w:/q", json!([
        {"volumeId": "v", "volumePath": "/p", "stagingTargetPath": "/s"},
        {"volumeId": "w", "volumePath": "/q"}]))]
    #[case::from_a_snapshot("controller create --source-snapshot s n",
        json!([{"name": "n", "volumeContentSource": {"snapshot": {"snapshotId": "s"}}}]))]
    #[case::of_a_volume("controller snap --source-volume v n", json!([{"name": "n", "sourceVolumeId": "v"}]))]
    #[case::json_and_a_flag(r#"ControllerExpandVolume {"volume_id":"v"} --limit-bytes 5"#,
        json!([{"volumeId": "v", "capacityRange": {"limitBytes": "5"}}]))]
    #[case::any_field(r#"CreateVolume n --accessibility-requirements {"requisite":[{"segments":{"z":"1"}}]}"#,
        json!([{"name": "n", "accessibilityRequirements": {"requisite": [{"segments": {"z": "1"}}]}}]))]
    #[case::lists("CreateVolumeGroupSnapshot g --source-volume-ids a --source-volume-ids b",
        json!([{"name": "g", "sourceVolumeIds": ["a", "b"]}]))]
    #[case::a_negative_number("CreateVolume n --required-bytes=-1",
        json!([{"name": "n", "capacityRange": {"requiredBytes": "-1"}}]))]
    fn a_line_makes_requests(#[case] line: &str, #[case] want: Value) {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(Value::Array(of(&words).unwrap()), want);
    }

    #[rstest]
    #[case("identity probe extra", "takes no `extra`")]
    #[case("node expand a b c", "one volume_id and one volume_path")]
    #[case("CreateVolume n --cap SOMETIMES,block", "is no access mode; there are UNKNOWN, SINGLE")]
    #[case("CreateVolume n --cap 1,tape", "is no access type")]
    #[case("CreateVolume n --req-bytes many", "is no size")]
    #[case("ListVolumes --max-entries many", "the request is no ListVolumesRequest")]
    #[case(r#"CreateVolume {"nam":"x"}"#, "nam")]
    #[case(r#"CreateVolume {"name":"x"} {"name":"y"}"#, "is another")]
    #[case("CreateVolume --nam x", "--name")]
    #[case("CreateVolume --secrets-map a=b", "unexpected argument")]
    fn what_cannot_be_is_told(#[case] line: &str, #[case] words: &str) {
        let line: Vec<&str> = line.split(' ').collect();
        let error = of(&line).unwrap_err();
        assert!(error.contains(words), "{error}");
    }

    #[test]
    fn secrets_are_filled_in_hidden_and_emptied() {
        let method = Methods::load().unwrap().find(&["NodeStageVolume"]).unwrap().method;
        let mut message = DynamicMessage::new(method.0.input());
        fill(&mut message, &BTreeMap::from([("key".to_owned(), "hunter2".to_owned())]));
        assert!(serde_json::to_string(&message).unwrap().contains("hunter2"));
        assert_eq!(hidden(&message).scrub("it was hunter2"), "it was [redacted]");
        redact(&mut message);
        assert_eq!(serde_json::to_value(&message).unwrap(), json!({}));
    }
}
