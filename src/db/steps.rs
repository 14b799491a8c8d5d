//! The schema, step by step: a file for each engine. Forward only; a step that has gone out is
//! never changed.

/// The schema's steps, in order, forward only: name, SQLite's text, PostgreSQL's text.
pub const STEPS: &[(&str, &str, &str)] = &[
    (
        "ground floor",
        include_str!("../../migrations/sqlite/0001_ground_floor.sql"),
        include_str!("../../migrations/postgres/0001_ground_floor.sql"),
    ),
    (
        "uploads",
        include_str!("../../migrations/sqlite/0002_uploads.sql"),
        include_str!("../../migrations/postgres/0002_uploads.sql"),
    ),
    (
        "intake",
        include_str!("../../migrations/sqlite/0003_intake.sql"),
        include_str!("../../migrations/postgres/0003_intake.sql"),
    ),
    (
        "scanning",
        include_str!("../../migrations/sqlite/0004_scanning.sql"),
        include_str!("../../migrations/postgres/0004_scanning.sql"),
    ),
    (
        "life",
        include_str!("../../migrations/sqlite/0005_life.sql"),
        include_str!("../../migrations/postgres/0005_life.sql"),
    ),
    (
        "lists",
        include_str!("../../migrations/sqlite/0006_lists.sql"),
        include_str!("../../migrations/postgres/0006_lists.sql"),
    ),
    (
        "limits and webhooks",
        include_str!("../../migrations/sqlite/0007_limits_and_webhooks.sql"),
        include_str!("../../migrations/postgres/0007_limits_and_webhooks.sql"),
    ),
    (
        "uppy",
        include_str!("../../migrations/sqlite/0008_uppy.sql"),
        include_str!("../../migrations/postgres/0008_uppy.sql"),
    ),
    (
        "accounts",
        include_str!("../../migrations/sqlite/0009_accounts.sql"),
        include_str!("../../migrations/postgres/0009_accounts.sql"),
    ),
    (
        "keys in order",
        include_str!("../../migrations/sqlite/0010_keys_in_order.sql"),
        include_str!("../../migrations/postgres/0010_keys_in_order.sql"),
    ),
    (
        "previews",
        include_str!("../../migrations/sqlite/0011_previews.sql"),
        include_str!("../../migrations/postgres/0011_previews.sql"),
    ),
    (
        "words by category",
        include_str!("../../migrations/sqlite/0012_words_by_category.sql"),
        include_str!("../../migrations/postgres/0012_words_by_category.sql"),
    ),
    (
        "release decided",
        include_str!("../../migrations/sqlite/0013_release_decided.sql"),
        include_str!("../../migrations/postgres/0013_release_decided.sql"),
    ),
    (
        "webhooks that fail",
        include_str!("../../migrations/sqlite/0014_webhooks_that_fail.sql"),
        include_str!("../../migrations/postgres/0014_webhooks_that_fail.sql"),
    ),
    (
        "lists of few",
        include_str!("../../migrations/sqlite/0015_lists_of_few.sql"),
        include_str!("../../migrations/postgres/0015_lists_of_few.sql"),
    ),
];
