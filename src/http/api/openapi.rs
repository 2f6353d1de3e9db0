//! The document at `/v1/openapi.json`: OpenAPI 3.1, made from the operations themselves.
//!
//! Routes, scopes and schemas are those of [`Operation`], so nothing here can fall behind; `tests/api` asks the
//! server for each documented operation, and lets a generator of requests loose on it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::operation::{Operation, by_path};
use super::problem::{Kind, PROBLEM_JSON, Shown};
use super::{forms, inbound, operations};
use crate::domain::access::Scope;

/// The document as it is served.
pub fn document() -> &'static str {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| format!("{:#}\n", build()));
    &DOCUMENT
}

fn build() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
    });
    let mut read = settings.clone().for_deserialize().into_generator();
    let mut write = settings.for_serialize().into_generator();
    write.subschema_for::<Shown>();
    let mut paths = Map::new();
    for (path, operations) in by_path(operations()) {
        let methods: Map<String, Value> = operations
            .iter()
            .map(|operation| {
                (operation.method.to_ascii_lowercase(), described(operation, &mut read, &mut write))
            })
            .collect();
        paths.insert(format!("/v1{path}"), Value::Object(methods));
    }
    paths.insert("/v1/forms/{campaign}".to_owned(), forms::documented());
    paths.insert("/v1/inbound".to_owned(), inbound::documented());
    let mut schemas = write.take_definitions(true);
    schemas.extend(read.take_definitions(true));
    if let Some(problem) = schemas.get_mut("Problem") {
        problem["properties"]["type"]["enum"] = Kind::ALL.iter().map(|kind| kind.urn()).collect();
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "nurtured",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Leads in, what sales says, and whether somebody may be contacted",
            "description": DESCRIPTION,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" }
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "token": {
                "type": "http",
                "scheme": "bearer",
                "description": format!("A token that `nurtured token new` made. Scopes: {}.", scopes())
            } }
        }
    })
}

const DESCRIPTION: &str = "Every problem is `application/problem+json`; its `type` is a name to rely on, its `detail` \
     says what to do. POST takes an `Idempotency-Key`: sent again within a day, the request is not done again and its \
     first answer is given once more (`Idempotency-Replayed: true`). Lists have a `cursor`. Too many requests get 429 \
     with `Retry-After`.";

fn scopes() -> String {
    Scope::ALL.iter().map(|scope| format!("`{}`", scope.name())).collect::<Vec<_>>().join(", ")
}

fn described(operation: &Operation, read: &mut SchemaGenerator, write: &mut SchemaGenerator) -> Value {
    let mut parameters = parameters("path", (operation.schemas.path)(read));
    parameters.extend(self::parameters("query", (operation.schemas.query)(read)));
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "description": operation.description,
        "security": [{ "token": [operation.scope.name()] }],
        "responses": answers(operation, (operation.schemas.answer)(write)),
    });
    if operation.method == "POST" {
        parameters.push(json!({
            "name": "Idempotency-Key",
            "in": "header",
            "description": "A name for this request, best a UUID.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" }
        }));
    }
    if !parameters.is_empty() {
        described["parameters"] = Value::Array(parameters);
    }
    if let Some(body) = operation.schemas.body {
        described["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": body(read) } } });
    }
    described
}

/// The properties of an object as parameters.
fn parameters(place: &str, object: Schema) -> Vec<Value> {
    let object = object.to_value();
    let required: Vec<&str> =
        object["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let Some(properties) = object["properties"].as_object() else { return Vec::new() };
    let parameter = |(name, schema): (&String, &Value)| {
        let mut schema = schema.clone();
        not_null(&mut schema);
        let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        let mut parameter = json!({
            "name": name,
            "in": place,
            "required": required.contains(&name.as_str()),
            "schema": schema,
        });
        if let Some(description) = description {
            parameter["description"] = description;
        }
        parameter
    };
    properties.iter().map(parameter).collect()
}

/// A parameter is absent or says something: there is no way to write null in an address.
fn not_null(schema: &mut Value) {
    if let Some(Value::Array(types)) = schema.get("type").cloned().as_ref() {
        let kept: Vec<&Value> = types.iter().filter(|name| *name != "null").collect();
        if let [one] = kept.as_slice() {
            schema["type"] = (*one).clone();
        }
    }
    if let Some(Value::Array(choices)) = schema.get("anyOf").cloned().as_ref() {
        let kept: Vec<&Value> = choices.iter().filter(|choice| choice["type"] != "null").collect();
        if let [one] = kept.as_slice()
            && let (Some(of), Some(one)) = (schema.as_object_mut(), one.as_object())
        {
            of.remove("anyOf");
            of.extend(one.clone());
        }
    }
}

fn problem(kinds: &[Kind]) -> Value {
    let names: Vec<String> = kinds.iter().map(|kind| format!("`{}`", kind.name())).collect();
    let mut described = json!({
        "description": names.join(", "),
        "content": { PROBLEM_JSON: { "schema": { "$ref": "#/components/schemas/Problem" } } }
    });
    let mut says = |header: &str, words: &str, schema: Value| {
        described["headers"][header] = json!({ "description": words, "schema": schema });
    };
    if kinds.contains(&Kind::Unauthorised) {
        says("WWW-Authenticate", "How to show a token", json!({ "type": "string" }));
    }
    let later = [Kind::TooMany, Kind::Unavailable, Kind::UnderWay, Kind::BeingSent];
    if kinds.iter().any(|kind| later.contains(kind)) {
        says("Retry-After", "Seconds after which to ask again", json!({ "type": "integer", "minimum": 1 }));
    }
    described
}

fn answers(operation: &Operation, answer: Schema) -> Value {
    let mut answers = Map::new();
    for (status, words) in operation.answers {
        let mut described = json!({ "description": words });
        if *status != 204 {
            described["content"] = json!({ "application/json": { "schema": answer.as_value() } });
        }
        if operation.method == "POST" {
            described["headers"] = json!({ "Idempotency-Replayed": {
                "description": "`true`: this is the answer to an earlier request with this key",
                "schema": { "type": "string", "enum": ["true"] }
            } });
        }
        answers.insert(status.to_string(), described);
    }
    answers.extend(problems(of_all(operation).into_iter().chain(operation.problems.iter().copied())));
    Value::Object(answers)
}

/// Problems by their status. Several may share one; their names tell them apart.
pub fn problems(kinds: impl Iterator<Item = Kind>) -> Map<String, Value> {
    let mut by_status: BTreeMap<u16, Vec<Kind>> = BTreeMap::new();
    for kind in kinds {
        by_status.entry(kind.status().as_u16()).or_default().push(kind);
    }
    by_status.into_iter().map(|(status, kinds)| (status.to_string(), problem(&kinds))).collect()
}

/// Problems that every operation of its kind has.
fn of_all(operation: &Operation) -> Vec<Kind> {
    let mut kinds = vec![
        Kind::Unreadable,
        Kind::Unauthorised,
        Kind::Forbidden,
        Kind::TooLarge,
        Kind::Invalid,
        Kind::TooMany,
        Kind::Failed,
        Kind::Unavailable,
    ];
    if operation.method == "POST" {
        kinds.extend([Kind::UnderWay, Kind::KeyReused]);
    }
    if operation.schemas.body.is_some() {
        kinds.push(Kind::WrongType);
    }
    kinds
}
