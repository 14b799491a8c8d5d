//! Pages for people: the app (pages.rs), and the contract, readable, in which no
//! script runs. Nothing is loaded from another host.

pub mod pages;

use std::fmt::Write as _;
use std::sync::OnceLock;

use aws_lc_rs::digest::{SHA256, digest};
use axum::response::{Html, IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, header};
use serde_json::Value;

use crate::openapi;

/// `GET /openapi.json`.
pub async fn openapi() -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], TEXT.get_or_init(openapi::json).as_str()).into_response()
}

/// `GET /docs`.
pub async fn docs() -> Response {
    static PAGE: OnceLock<(String, String)> = OnceLock::new();
    let (policy, page) = PAGE.get_or_init(|| (policy(), page()));
    ([(header::CONTENT_SECURITY_POLICY, policy.as_str())], Html(page.as_str())).into_response()
}

/// Allows the page's one style by its hash (CSP 3, "hash-source"), and nothing else.
fn policy() -> String {
    let style = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

const STYLE: &str = include_str!("docs.css");

fn page() -> String {
    let api = serde_json::to_value(openapi::document()).unwrap_or_default();
    let mut nav = String::new();
    let mut main = String::new();
    for tag in api["tags"].as_array().into_iter().flatten() {
        let name = text(&tag["name"]);
        let about = text(&tag["description"]);
        let _ = write!(nav, "<p class=group>{name}</p>");
        let _ = write!(main, "<h2>{name}</h2><p>{about}</p>");
        for (path, method, operation) in operations(&api) {
            if operation["tags"][0] == tag["name"] {
                let id = text(&operation["operationId"]);
                let verb = format!("<b class=\"verb {method}\">{}</b>", method.to_uppercase());
                let path = escape(path);
                let short = path.strip_prefix("/api").unwrap_or(&path);
                let _ = write!(nav, "<a href=\"#{name}-{id}\">{verb} {short}</a>");
                let _ =
                    write!(main, "<section id=\"{name}-{id}\"><h3>{verb} <code>{path}</code></h3>");
                describe(&mut main, operation);
                main.push_str("</section>");
            }
        }
    }
    let about = text(&api["info"]["description"]);
    let version = text(&api["info"]["version"]);
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width,initial-scale=1\">\
         <meta name=color-scheme content=\"light dark\">\
         <title>Strongroom API</title><style>{STYLE}</style>\
         <nav aria-label=Operations><p class=brand>Strongroom <small>{version}</small></p>{nav}\
         <p class=group>reference</p><a href=\"#schemas\">Schemas</a>\
         <a href=\"#errors\">Errors</a><a href=\"/openapi.json\">openapi.json</a></nav>\
         <main><h1>API</h1><p>{about}</p>{main}{}{}</main></html>",
        schemas(&api),
        errors(),
    )
}

fn operations(api: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    api["paths"].as_object().into_iter().flatten().flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten();
        methods
            .filter(|(_, operation)| operation.get("operationId").is_some())
            .map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

fn describe(out: &mut String, operation: &Value) {
    let _ = write!(out, "<p>{}</p>", prose(&operation["summary"]));
    if let Some(parameters) = operation["parameters"].as_array() {
        out.push_str("<table><thead><tr><th>Parameter<th>In<th>Type<th>About<tbody>");
        for p in parameters {
            let _ = write!(
                out,
                "<tr><td><code>{}</code>{}<td>{}<td>{}<td>{}",
                text(&p["name"]),
                if p["required"] == true { " <em>required</em>" } else { "" },
                text(&p["in"]),
                type_of(&p["schema"]),
                prose(&p["description"]),
            );
        }
        out.push_str("</table>");
    }
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    if !body.is_null() {
        let _ = write!(out, "<p>Body: {}</p>", type_of(body));
    }
    out.push_str("<table><thead><tr><th>Answer<th>Body<th>About<tbody>");
    let mut refused = Vec::new();
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        if response["$ref"].is_string() {
            refused.push(format!("<code>{}</code>", escape(status)));
            continue;
        }
        let body = response["content"].as_object().and_then(|c| c.values().next());
        let body = body.map_or_else(String::new, |content| type_of(&content["schema"]));
        let about = prose(&response["description"]);
        let _ = write!(out, "<tr><td><code>{}</code><td>{body}<td>{about}", escape(status));
    }
    let _ = write!(
        out,
        "<tr><td>{}<td><a href=\"#schema-Problem\">Problem</a><td>One of the \
         <a href=\"#errors\">errors</a> with this status.</table>",
        refused.join(" "),
    );
}

fn schemas(api: &Value) -> String {
    let mut out = String::from("<h2 id=schemas>Schemas</h2>");
    for (name, schema) in api["components"]["schemas"].as_object().into_iter().flatten() {
        let name = escape(name);
        let about = prose(&schema["description"]);
        let _ = write!(out, "<section id=\"schema-{name}\"><h3>{name}</h3><p>{about}</p>");
        out.push_str("<table><thead><tr><th>Field<th>Type<th>About<tbody>");
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (field, of) in schema["properties"].as_object().into_iter().flatten() {
            let needed = required.iter().any(|r| r == field);
            let needed = if needed { " <em>required</em>" } else { "" };
            let field = escape(field);
            let about = prose(&of["description"]);
            let kind = type_of(of);
            let _ = write!(out, "<tr><td><code>{field}</code>{needed}<td>{kind}<td>{about}");
        }
        out.push_str("</table></section>");
    }
    out
}

fn errors() -> String {
    let mut out = String::from(
        "<h2 id=errors>Errors</h2><p>Each is <code>application/problem+json</code> (RFC 9457); \
         <code>code</code> never changes.</p>\
         <table><thead><tr><th>Code<th>Status<th>Meaning<tbody>",
    );
    for (code, status, title) in openapi::errors() {
        let _ = write!(out, "<tr id=\"{code}\"><td><code>{code}</code><td>{status}<td>{title}");
    }
    out.push_str("</table>");
    out
}

/// A schema's type in a few words, with a link where it has a name.
fn type_of(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|r| r.rsplit('/').next()) {
        let name = escape(name);
        return format!("<a href=\"#schema-{name}\">{name}</a>");
    }
    if let Some(options) = schema["oneOf"].as_array() {
        return options.iter().map(type_of).collect::<Vec<_>>().join(" or ");
    }
    let name = |v: &Value| match v {
        Value::String(s) => escape(s),
        Value::Array(all) => all
            .iter()
            .filter_map(Value::as_str)
            .filter(|s| *s != "null")
            .map(escape)
            .collect::<Vec<_>>()
            .join(" or "),
        _ => String::new(),
    };
    match (name(&schema["type"]).as_str(), schema["format"].as_str()) {
        ("array", _) => format!("list of {}", type_of(&schema["items"])),
        (kind, Some(format)) => format!("{kind} ({})", escape(format)),
        (kind, None) => kind.to_owned(),
    }
}

/// A text in which `this` is code.
fn prose(value: &Value) -> String {
    let text = text(value);
    let pieces = text.split('`').enumerate();
    let marked =
        pieces.map(
            |(i, piece)| {
                if i % 2 == 1 { format!("<code>{piece}</code>") } else { piece.to_owned() }
            },
        );
    marked.collect()
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
