//! Reads an `image`.

use super::{
    Defaults, View,
    overlay::{overlay, placements},
};
use crate::{
    At, Compression, Healthcheck, Image, ImageConfig, LayerOptions,
    form::parse_duration,
    node::{Node, Value},
};

pub(super) fn read(view: View<'_>, defaults: &Defaults) -> Option<Image> {
    let platforms = match view.node("platforms") {
        Some(_) => view.list("platforms"),
        None => defaults.platforms.clone(),
    };
    Some(Image {
        base: view.get("base"),
        trees: placements(view)?,
        overlay: overlay(view)?,
        config: config(view)?,
        annotations: view.strings("annotations"),
        platforms,
        layers: layers(view.table("layers")),
        tag: view.text("tag"),
    })
}

fn config(view: View<'_>) -> Option<ImageConfig> {
    Some(ImageConfig {
        entrypoint: view.words("entrypoint"),
        cmd: view.words("cmd"),
        env: view.strings("env"),
        user: view.text("user"),
        workdir: view.text("workdir"),
        labels: view.strings("labels"),
        ports: view.items("ports").iter().filter_map(port).collect(),
        volumes: view.texts("volumes"),
        stop_signal: view.text("stop_signal"),
        healthcheck: match view.table("healthcheck") {
            Some(table) => Some(healthcheck(table)?),
            None => None,
        },
    })
}

fn port(node: &Node) -> Option<At<String>> {
    let text = match &node.value {
        Value::Int(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        _ => return None,
    };
    Some(At::new(text, node.span))
}

fn healthcheck(view: View<'_>) -> Option<Healthcheck> {
    let duration = |key: &str| view.by(key, parse_duration).map(|at| at.value);
    Some(Healthcheck {
        test: view.words("test")?,
        interval: duration("interval"),
        timeout: duration("timeout"),
        start_period: duration("start_period"),
        retries: view.int("retries").map(|at| at.value),
    })
}

fn layers(view: Option<View<'_>>) -> LayerOptions {
    let compression = match view.and_then(|view| view.text("compression")) {
        Some(word) if word.as_str() == "zstd" => Compression::Zstd,
        _ => Compression::Gzip,
    };
    LayerOptions {
        max: view.and_then(|view| view.int("max")).map_or(24, |at| at.value),
        compression,
        level: view.and_then(|view| view.int("level")).map(|at| at.value),
    }
}
