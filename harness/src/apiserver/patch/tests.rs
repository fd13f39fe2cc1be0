//! What each language makes of an object.

use rstest::rstest;
use serde_json::{Value, json};

use super::Language;

#[rstest]
#[case::set(json!({"spec": {"a": 1}}), json!({"spec": {"b": 2}}), json!({"spec": {"a": 1, "b": 2}}))]
#[case::null_removes(json!({"a": 1, "b": 2}), json!({"a": null}), json!({"b": 2}))]
#[case::lists_are_replaced(json!({"conditions": [1]}), json!({"conditions": [2]}), json!({"conditions": [2]}))]
#[case::nulls_of_new_maps_vanish(json!({}), json!({"s": {"a": null, "b": 1}}), json!({"s": {"b": 1}}))]
fn merge(#[case] object: Value, #[case] patch: Value, #[case] expected: Value) {
    assert_eq!(Language::Merge.apply(&object, &patch), Ok(expected));
}

fn condition(name: &str, status: &str) -> Value {
    json!({ "type": name, "status": status })
}

#[rstest]
#[case::conditions_are_merged_by_type(
    json!({"conditions": [condition("Resizing", "True")]}),
    json!({
        "$setElementOrder/conditions": [{"type": "Resizing"}, {"type": "FileSystemResizePending"}],
        "conditions": [condition("FileSystemResizePending", "True")],
    }),
    json!({"conditions": [
        condition("Resizing", "True"), condition("FileSystemResizePending", "True"),
    ]})
)]
#[case::one_is_deleted_and_one_changed(
    json!({"conditions": [condition("Resizing", "True"), condition("ControllerResizeError", "True")]}),
    json!({
        "$setElementOrder/conditions": [{"type": "Resizing"}],
        "conditions": [
            {"type": "Resizing", "status": "False"}, {"$patch": "delete", "type": "ControllerResizeError"},
        ],
    }),
    json!({"conditions": [condition("Resizing", "False")]})
)]
#[case::the_last_one_takes_the_list_with_it(
    json!({"conditions": [condition("Resizing", "True")], "phase": "Bound"}),
    json!({"conditions": [{"$patch": "delete", "type": "Resizing"}]}),
    json!({"phase": "Bound"})
)]
#[case::an_order_moves_elements_and_their_followers(
    json!({"conditions": [condition("x", ""), condition("a", ""), condition("y", ""), condition("b", "")]}),
    json!({"$setElementOrder/conditions": [{"type": "b"}, {"type": "a"}]}),
    json!({"conditions": [condition("x", ""), condition("b", ""), condition("a", ""), condition("y", "")]})
)]
#[case::finalizers_are_a_set(
    json!({"metadata": {"finalizers": ["a", "b"]}}),
    json!({"metadata": {
        "$deleteFromPrimitiveList/finalizers": ["a"],
        "$setElementOrder/finalizers": ["c", "b"],
        "finalizers": ["b", "c"],
    }}),
    json!({"metadata": {"finalizers": ["c", "b"]}})
)]
#[case::other_lists_are_replaced(
    json!({"accessModes": ["ReadWriteOnce"]}),
    json!({"accessModes": ["ReadWriteMany"]}),
    json!({"accessModes": ["ReadWriteMany"]})
)]
#[case::a_map_is_replaced(
    json!({"spec": {"a": 1}}),
    json!({"spec": {"$patch": "replace", "b": 2}}),
    json!({"spec": {"b": 2}})
)]
#[case::null_removes(
    json!({"status": {"allocatedResourceStatuses": {"storage": "NodeResizePending"}}}),
    json!({"status": {"allocatedResourceStatuses": null}}),
    json!({"status": {}})
)]
fn strategic(#[case] object: Value, #[case] patch: Value, #[case] expected: Value) {
    assert_eq!(Language::Strategic.apply(&object, &patch), Ok(expected));
}

#[rstest]
#[case::add_to_the_end(json!([{"op": "add", "path": "/f/-", "value": 3}]), json!({"f": [1, 2, 3]}))]
#[case::insert(json!([{"op": "add", "path": "/f/1", "value": 3}]), json!({"f": [1, 3, 2]}))]
#[case::remove_after_a_test(
    json!([{"op": "test", "path": "/f/0", "value": 1}, {"op": "remove", "path": "/f/0"}]),
    json!({"f": [2]})
)]
#[case::nothing_is_null(
    json!([{"op": "test", "path": "/g", "value": null}, {"op": "add", "path": "/g", "value": 1}]),
    json!({"f": [1, 2], "g": 1})
)]
#[case::replace(json!([{"op": "replace", "path": "/f", "value": 0}]), json!({"f": 0}))]
#[case::move_to_an_escaped_name(
    json!([{"op": "move", "from": "/f", "path": "/a~1b"}]),
    json!({"a/b": [1, 2]})
)]
fn json(#[case] patch: Value, #[case] expected: Value) {
    assert_eq!(Language::Json.apply(&json!({"f": [1, 2]}), &patch), Ok(expected));
}

#[rstest]
#[case::a_test_that_fails(Language::Json, json!([{"op": "test", "path": "/f", "value": 1}]), 422)]
#[case::no_such_element(Language::Json, json!([{"op": "remove", "path": "/f/2"}]), 422)]
#[case::no_such_operation(Language::Json, json!([{"op": "jump", "path": "/f"}]), 400)]
#[case::no_list(Language::Json, json!({}), 400)]
#[case::no_key(Language::Strategic, json!({"conditions": [{"status": "True"}]}), 400)]
#[case::no_such_directive(Language::Strategic, json!({"$patch": "jump"}), 400)]
#[case::no_object(Language::Merge, json!(1), 400)]
fn refused(#[case] language: Language, #[case] patch: Value, #[case] code: u16) {
    let refusal = language.apply(&json!({"f": [1, 2]}), &patch).unwrap_err();
    assert_eq!(refusal.code, code, "{}", refusal.message);
}
