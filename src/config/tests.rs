//! What an operator may write, and what is answered when it is wrong.

use super::*;

fn load(pairs: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    Config::load(Source::from_pairs(pairs.iter().copied()))
}

#[test]
fn nothing_at_all_is_a_complete_configuration() {
    let config = load(&[]).unwrap();
    assert_eq!(config.server.public_url, "http://127.0.0.1:8080");
    assert_eq!(config.store.bucket, "strongroom");
    assert_eq!(config.uploads.presign_expires, Duration::from_mins(15));
    assert!(!config.access.clinic_wide);
}

#[test]
fn every_problem_is_told_at_once() {
    let problems = load(&[
        ("STRONGROOM_LISTEN", "here"),
        ("STRONGROOM_TRASH_DAYS", "many"),
        ("STRONGROOM_MAX_IMAGE", "ten"),
        ("STRONGROOM_MAX_BY_CATEGORY", "invoices=1MB, insurnce=5MB"),
        ("STRONGROOM_HELD_CATEGORIES", "imaging, x-rays"),
        ("STRONGROOM_KEY_LAYOUT", "by-year"),
        ("STRONGROOM_CARE_TEAM", "all"),
        ("STRONGROOM_LISTENN", "127.0.0.1:1"),
        ("DATABASE_URL", "mysql://x"),
        ("STRONGROOM_ALLOWED_ORIGINS", "*"),
    ])
    .unwrap_err();
    for name in [
        "LISTEN:",
        "TRASH_DAYS",
        "MAX_IMAGE",
        "\"insurnce\" is no category",
        "\"x-rays\" is no category",
        "KEY_LAYOUT",
        "CARE_TEAM",
        "LISTENN",
        "DATABASE_URL",
        "ALLOWED_ORIGINS",
    ] {
        assert!(problems.iter().any(|p| p.contains(name)), "{name} in {problems:?}");
    }
    assert_eq!(problems.len(), 10, "{problems:?}");
}

#[test]
fn two_names_for_one_thing_must_agree() {
    let local = ("STORAGE_PROVIDER", "local");
    let problems = load(&[local, ("S3_BUCKET", "one-bucket"), ("S3_BUCKET_NAME", "other-bucket")])
        .unwrap_err();
    assert!(problems[0].contains("S3_BUCKET_NAME and S3_BUCKET"), "{problems:?}");
    let config = load(&[local, ("S3_BUCKET", "same"), ("S3_BUCKET_NAME", "same")]).unwrap();
    assert_eq!(config.store.bucket, "same");
    let specific =
        load(&[local, ("AWS_S3_DOCUMENTS_BUCKET_NAME", "docs-1"), ("S3_BUCKET", "all-1")]).unwrap();
    assert_eq!(specific.store.bucket, "docs-1");
}

#[test]
fn a_bucket_is_all_that_makes_the_store_s3() {
    let region = ("S3_REGION", "eu-west-2");
    for named in [("STORAGE_PROVIDER", "aws-s3"), ("STORAGE_PROVIDER", "s3"), region] {
        let config = load(&[named, region, ("S3_BUCKET", "my-bucket")]).unwrap();
        let s3 = config.store.s3.unwrap();
        assert!(!s3.path_style && s3.endpoint.is_none());
        assert!(matches!(s3.keys, S3Keys::Chain));
    }
    let local = load(&[("STORAGE_PROVIDER", "local"), ("S3_BUCKET", "my-bucket")]).unwrap();
    assert!(local.store.s3.is_none());
}

#[test]
fn half_an_s3_configuration_is_refused_and_never_replaced_by_the_local_store() {
    let region = ("AWS_REGION", "eu-west-2");
    let problems = load(&[("STORAGE_PROVIDER", "s3"), region]).unwrap_err();
    assert!(problems[0].contains("AWS_S3_DOCUMENTS_BUCKET_NAME"), "{problems:?}");
    let bucket = ("S3_BUCKET", "my-bucket");
    let problems = load(&[bucket]).unwrap_err();
    assert!(problems[0].contains("AWS_REGION"), "{problems:?}");
    for (half, missing) in [
        (("S3_ACCESS_KEY", "AK"), "AWS_SECRET_ACCESS_KEY"),
        (("S3_SECRET_KEY", "secret"), "AWS_ACCESS_KEY_ID"),
        (("AWS_CLOUDFRONT_URL", "https://d1.cloudfront.net"), "AWS_CLOUDFRONT_KEY_PAIR_ID"),
        (("S3_ENDPOINT", "s3.example.com"), "S3_ENDPOINT"),
    ] {
        let problems = load(&[bucket, region, half]).unwrap_err();
        assert!(problems[0].contains(missing), "{problems:?}");
    }
    let endpoint = ("S3_ENDPOINT", "http://127.0.0.1:3900");
    let problems = load(&[bucket, region, endpoint, ("S3_USE_ACCELERATE", "true")]).unwrap_err();
    assert!(problems[0].contains("S3_USE_ACCELERATE"), "{problems:?}");
}

#[test]
fn keys_in_files_are_remembered_by_their_paths() {
    let dir = tempfile::tempdir().unwrap();
    let paths = ["id", "secret"].map(|name| dir.path().join(name));
    for path in &paths {
        std::fs::write(path, "a key\n").unwrap();
    }
    let pairs = [
        ("S3_BUCKET", "my-bucket"),
        ("AWS_REGION", "garage"),
        ("S3_ENDPOINT", "http://127.0.0.1:3900/"),
        ("S3_ACCESS_KEY_FILE", paths[0].to_str().unwrap()),
        ("AWS_SECRET_ACCESS_KEY_FILE", paths[1].to_str().unwrap()),
    ];
    let s3 = load(&pairs).unwrap().store.s3.unwrap();
    assert!(s3.path_style, "other stores than AWS have the bucket in the path");
    assert_eq!(s3.endpoint.as_deref(), Some("http://127.0.0.1:3900"));
    let S3Keys::Files { id, secret, session_token: None } = s3.keys else {
        panic!("{:?}", s3.keys)
    };
    assert_eq!([id, secret], paths);
}

#[test]
fn a_secret_can_stand_in_a_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "a secret of at least 32 characters\n").unwrap();
    let path = file.path().to_str().unwrap();
    let config = load(&[("STRONGROOM_JWT_SECRET_FILE", path)]).unwrap();
    let secret = config.access.jwt_secret.unwrap();
    assert_eq!(secret.reveal(), "a secret of at least 32 characters");
    let problems = load(&[("STRONGROOM_JWT_SECRET_FILE", "/no/such/file")]).unwrap_err();
    assert!(problems[0].contains("cannot be read"), "{problems:?}");
}

#[test]
fn empty_values_count_as_not_set_as_in_the_guides() {
    assert!(load(&[("S3_ENDPOINT", ""), ("DATABASE_URL", " ")]).is_ok());
}

#[test]
fn sizes_are_read_with_their_units() {
    assert_eq!(parse_bytes("10MB"), Some(10_000_000));
    assert_eq!(parse_bytes("64 KiB"), Some(65_536));
    assert_eq!(parse_bytes("5"), Some(5));
    assert_eq!(parse_bytes("MB"), None);
    assert_eq!(parse_bytes("5 potatoes"), None);
    assert_eq!(parse_bytes("99999999999GB"), None);
}

#[test]
fn a_bucket_may_not_shadow_a_path_of_the_server() {
    let problems = load(&[("STORAGE_PROVIDER", "local"), ("S3_BUCKET", "api")]).unwrap_err();
    assert!(problems[0].contains("AWS_S3_DOCUMENTS_BUCKET_NAME"), "{problems:?}");
}

#[test]
fn the_example_names_every_variable() {
    let example = example::env();
    for v in variables::all() {
        assert!(example.contains(&format!("#{}=", v.name)), "{}", v.name);
    }
}
