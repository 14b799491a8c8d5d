//! Previews: who sees them, what they are made of, where they are kept, when they go.

use std::io::Cursor;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use http::{Method, header};
use image::{DynamicImage, GenericImageView as _};
use serde_json::{Value, json};
use strongroom::access::DEFAULT_CLINIC;
use strongroom::rendering::{Format, Job, PictureSize, Renderer};
use strongroom::store::{AnswerHeaders, NewObject, ObjectKey, Size};
use strongroom::upkeep;

use crate::made_files;
use crate::made_pictures::{Dicom, jpeg_turned, pdf_of, tiff_of};
use crate::on_every_ground;
use crate::process::{PATIENCE, PAUSE};
use crate::support::{Answer, Sample, TestApp, samples};

on_every_ground!(
    every_picture_among_the_samples_has_a_preview_and_nothing_else_does,
    one_picture_is_kept_beside_its_document_and_shown_again,
    each_look_is_one_event,
    who_may_not_read_a_document_sees_no_preview_of_it,
    only_what_is_available_is_shown,
    a_purge_destroys_the_previews_too,
    a_document_that_is_purged_while_it_is_drawn_leaves_no_preview,
    two_who_ask_at_once_have_one_picture_made,
    what_is_too_large_damaged_or_locked_is_refused_and_remembered,
    pages_and_frames_are_shown_one_by_one,
    the_window_of_a_dicom_picture_can_be_chosen,
    a_picture_that_was_exchanged_is_made_again,
    a_photograph_loses_its_place_and_its_notes,
    a_caller_who_has_the_picture_is_told_so;
    local_only("the trail of the other grounds is the same database"):
    without_the_trail_no_preview_is_shown,
    a_kept_preview_read_by_the_wire_is_an_event_of_its_document,
);

fn id(document: &Value) -> &str {
    document["id"].as_str().unwrap()
}

fn path(document: &Value, query: &str) -> String {
    format!("/api/docs/{}/preview{query}", id(document))
}

fn made(name: &'static str, mime: &'static str, bytes: Vec<u8>) -> Sample {
    Sample { name, mime, category: "imaging", bytes }
}

fn named(name: &str) -> Sample {
    samples().into_iter().find(|sample| sample.name == name).unwrap()
}

fn photo() -> Sample {
    named("knee-xray.jpg")
}

#[track_caller]
fn picture(answer: &Answer) -> DynamicImage {
    let format = match answer.headers[header::CONTENT_TYPE].to_str().unwrap() {
        "image/jpeg" => image::ImageFormat::Jpeg,
        "image/png" => image::ImageFormat::Png,
        other => panic!("{other}"),
    };
    image::load_from_memory_with_format(&answer.body, format).unwrap()
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers[name].to_str().unwrap()
}

/// Where previews are kept, as rows tell.
async fn kept(app: &TestApp) -> Vec<String> {
    app.other_keys().await.into_iter().filter(|key| key.contains(".previews/")).collect()
}

/// Who looked at a document, and what came of it.
async fn looks(app: &TestApp, document: &Value) -> Vec<(String, String, Option<String>)> {
    let events = app.events(DEFAULT_CLINIC).await;
    let of_it = events.into_iter().filter(|e| e.target_id.as_deref() == Some(id(document)));
    let looks = of_it.filter(|event| event.action == "preview.read");
    looks.map(|event| (event.actor_id, event.outcome, event.code)).collect()
}

async fn every_picture_among_the_samples_has_a_preview_and_nothing_else_does(app: &TestApp) {
    let admin = app.admin();
    let mut drawn = 0;
    for sample in samples() {
        let document = app.upload(&admin, "patient-1", &sample).await;
        let answer = app.get(&admin, &path(&document, "")).await;
        let has = sample.mime.starts_with("image/")
            || ["application/pdf", "application/dicom"].contains(&sample.mime);
        if !has {
            assert_eq!(answer.expect(409).code(), "no_preview", "{}", sample.name);
            continue;
        }
        let answer = answer.expect(200);
        let (width, height) = picture(&answer).dimensions();
        assert!((100..=320).contains(&width.max(height)), "{}: {width} {height}", sample.name);
        let pages = if sample.name == "consent.tiff" { "2" } else { "1" };
        assert_eq!(header(&answer, "x-page-count"), pages, "{}", sample.name);
        assert_eq!(header(&answer, "cache-control"), "no-store");
        assert_eq!(header(&answer, "content-security-policy"), "default-src 'none'; sandbox");
        let large = app.get(&admin, &path(&document, "?size=page")).await.expect(200);
        let large = picture(&large).dimensions();
        assert!(large.0 >= width && large.1 >= height, "{}", sample.name);
        drawn += 1;
    }
    assert_eq!(drawn, 8);
    let drawing = made("a.svg", "image/svg+xml", made_files::SVG.as_bytes().to_vec());
    let drawing = app.upload(&admin, "patient-1", &drawing).await;
    let refused = app.get(&admin, &path(&drawing, "")).await.expect(409);
    assert!(refused.json()["detail"].as_str().unwrap().contains("harmless=true"));
}

async fn one_picture_is_kept_beside_its_document_and_shown_again(app: &TestApp) {
    let admin = app.admin();
    let document = app.upload(&admin, "patient-1", &photo()).await;
    let first = app.get(&admin, &path(&document, "")).await.expect(200);
    let all = kept(app).await;
    let [key] = all.as_slice() else { panic!("{all:?}") };
    let beside = format!("{}.previews/", document["key"].as_str().unwrap());
    assert!(key.starts_with(&beside), "{key}");
    assert!(app.objects().await.contains(key));
    let again = app.get(&admin, &path(&document, "?size=thumb&page=1")).await.expect(200);
    assert_eq!(again.body, first.body);
    assert_eq!(again.headers["etag"], first.headers["etag"]);
    assert_eq!(kept(app).await, all);
    app.get(&admin, &path(&document, "?size=page")).await.expect(200);
    assert_eq!(kept(app).await.len(), 2);
    // No upload, no document and no figure of the clinic is more for it.
    let stats = app.get(&admin, "/api/v2/aws/s3/stats").await.expect(200).json();
    assert_eq!(stats["totals"]["count"], 1, "{stats}");
}

async fn each_look_is_one_event(app: &TestApp) {
    let admin = app.admin();
    let document = app.upload(&admin, "patient-1", &photo()).await;
    for _ in 0..2 {
        app.get(&admin, &path(&document, "")).await.expect(200);
    }
    app.get(&app.stranger(), &path(&document, "")).await.expect(404);
    app.get(&admin, &path(&document, "?page=2")).await.expect(422);
    let granted = || ("test-admin".to_owned(), "granted".to_owned(), None);
    let failed = ("test-admin".to_owned(), "failed".to_owned(), Some("invalid_fields".to_owned()));
    assert_eq!(looks(app, &document).await, [granted(), granted(), failed]);
    let events = app.events(DEFAULT_CLINIC).await;
    let look = events.iter().rev().find(|event| event.outcome == "granted").unwrap();
    let detail: Value = serde_json::from_str(look.detail.as_ref().unwrap()).unwrap();
    assert_eq!((&detail["size"], &detail["page"]), (&json!("thumb"), &json!(1)), "{detail}");
    assert_eq!(look.patient_id.as_deref(), Some("patient-1"));
}

async fn who_may_not_read_a_document_sees_no_preview_of_it(app: &TestApp) {
    app.care("patient-1").await;
    let document = app.upload(&app.admin(), "patient-1", &photo()).await;
    let other = app.upload(&app.admin(), "patient-2", &photo()).await;
    for who in [app.stranger(), app.auditor(), app.staff(), app.patient("patient-2")] {
        let content = app.get(&who, &format!("/api/docs/{}/content", id(&document))).await;
        let preview = app.get(&who, &path(&document, "")).await.expect(404);
        assert_eq!(content.status, preview.status);
    }
    app.get(&app.clinician(), &path(&other, "")).await.expect(404);
    for who in [app.clinician(), app.patient("patient-1"), app.service()] {
        app.get(&who, &path(&document, "")).await.expect(200);
    }
    // What is not released to the patient is not shown either, though it is kept by now.
    let release = Some(json!({ "state": "held" }));
    let released = format!("/api/docs/{}/release", id(&document));
    app.call(&app.admin(), Method::PUT, &released, release).await.expect(200);
    app.get(&app.patient("patient-1"), &path(&document, "")).await.expect(404);
    app.get(&app.clinician(), &path(&document, "")).await.expect(200);
}

async fn only_what_is_available_is_shown(app: &TestApp) {
    let admin = app.admin();
    let document = app.upload(&admin, "patient-1", &photo()).await;
    app.get(&admin, &path(&document, "")).await.expect(200);
    for sql in [
        "update document_assets set state = 'quarantined'",
        "update document_assets set state = 'scanning'",
    ] {
        app.sql(sql).await.unwrap();
        let refused = app.get(&admin, &path(&document, "")).await.expect(409);
        assert_eq!(refused.code(), "wrong_state");
    }
    app.sql("update document_assets set state = 'available'").await.unwrap();
    let plain = format!("/api/docs/{}", id(&document));
    app.delete(&admin, &plain).await.expect(200);
    app.get(&admin, &path(&document, "")).await.expect(409);
    app.post(&admin, &format!("{plain}/restore"), json!({})).await.expect(200);
    app.get(&admin, &path(&document, "")).await.expect(200);
    let begun = app.post(&admin, "/api/docs/presign-upload", photo().asked("patient-1")).await;
    app.get(&admin, &path(&begun.expect(201).json(), "")).await.expect(409);
}

async fn a_purge_destroys_the_previews_too(app: &TestApp) {
    let admin = app.admin();
    let document = app.upload(&admin, "patient-1", &photo()).await;
    let other = app.upload(&admin, "patient-1", &photo()).await;
    for query in ["", "?size=page"] {
        app.get(&admin, &path(&document, query)).await.expect(200);
    }
    app.get(&admin, &path(&other, "")).await.expect(200);
    let held = Some(json!({ "reason": "a claim is expected" }));
    let door = format!("/api/docs/{}/hold", id(&document));
    app.call(&admin, Method::PUT, &door, held.clone()).await.expect(200);
    app.get(&admin, &path(&document, "")).await.expect(200);
    app.call(&admin, Method::DELETE, &door, held).await.expect(200);
    let purge = format!("/api/docs/{}?permanent=true", id(&document));
    app.delete(&admin, &purge).await.expect(200);
    let all = kept(app).await;
    let [key] = all.as_slice() else { panic!("{all:?}") };
    assert!(key.starts_with(other["key"].as_str().unwrap()));
    let left = app.objects().await.into_iter().filter(|key| key.contains(".previews/"));
    assert_eq!(left.collect::<Vec<_>>(), all);
}

async fn a_document_that_is_purged_while_it_is_drawn_leaves_no_preview(app: &TestApp) {
    let admin = app.admin();
    let document = app.upload(&admin, "patient-1", &named("phone-photo.heic")).await;
    let (link, purge) =
        (path(&document, ""), format!("/api/docs/{}?permanent=true", id(&document)));
    let (looked, purged) = tokio::join!(app.get(&admin, &link), app.delete(&admin, &purge));
    purged.expect(200);
    // 200 where the look was over first.
    assert!([200, 404, 409, 503].contains(&looked.status.as_u16()), "{}", looked.status);
    // What had been placed by then is noted, and found when nobody can be at work on it any more.
    app.clock.shift_seconds(7 * 3600);
    upkeep::run_once(&app.app, false).await.unwrap();
    assert!(kept(app).await.is_empty());
    let left: Vec<_> = app.objects().await;
    assert!(!left.iter().any(|key| key.contains(".previews/")), "{left:?}");
}

async fn a_kept_preview_read_by_the_wire_is_an_event_of_its_document(app: &TestApp) {
    let admin = app.admin();
    let document = app.upload(&admin, "patient-1", &photo()).await;
    app.get(&admin, &path(&document, "")).await.expect(200);
    let all = kept(app).await;
    let key = ObjectKey::new(all[0].clone()).unwrap();
    let (minute, now) = (Duration::from_mins(1), app.clock.now());
    let answer = AnswerHeaders::default();
    let link = app.app.store.presign_get(&key, None, &answer, minute, now).unwrap();
    let picture = app.fetch(&link.url).await.expect(200);
    assert!(picture.body.starts_with(&[0xFF, 0xD8]));
    let events = app.get(&admin, "/api/audit?action=wire.read").await.expect(200).json();
    assert_eq!(events["items"][0]["targetId"], document["id"], "{events}");
    assert_eq!(events["items"][0]["patientId"], "patient-1", "{events}");
}

async fn two_who_ask_at_once_have_one_picture_made(app: &TestApp) {
    let admin = app.admin();
    let document = app.upload(&admin, "patient-1", &photo()).await;
    let link = path(&document, "");
    let (one, two, three) =
        tokio::join!(app.get(&admin, &link), app.get(&admin, &link), app.get(&admin, &link));
    let bodies = [one, two, three].map(|answer| answer.expect(200).body);
    assert!(bodies[0] == bodies[1] && bodies[1] == bodies[2]);
    let objects = app.objects().await;
    assert_eq!(objects.iter().filter(|key| key.contains(".previews/")).count(), 1);
    assert_eq!(looks(app, &document).await.len(), 3);
    assert_eq!(app.app.renderer.started(), 1);
}

async fn what_is_too_large_damaged_or_locked_is_refused_and_remembered(app: &TestApp) {
    let admin = app.admin();
    let mut damaged = pdf_of(&[[1, 2, 3]]);
    let from = damaged.windows(4).position(|four| four == b"/Cat").unwrap();
    damaged[from..from + 4].copy_from_slice(b"/Dog");
    let no_pages = String::from_utf8(damaged).unwrap().replace("/Pages 2 0 R", "/Nages 2 0 R");
    let mut looked_at = 0;
    for (sample, why) in [
        (made("bomb.png", "image/png", made_files::png(15_000, 15_000)), "dimensions"),
        (made("bomb.tiff", "image/tiff", tiff_of(&[(15_000, 15_000, 0)], true)), "dimensions"),
        (made("bomb.jpg", "image/jpeg", made_files::jpeg_of(15_000, 15_000)), "dimensions"),
        (made("cut.png", "image/png", made_files::png(4_000, 4_000)), "damaged"),
        (made("none.pdf", "application/pdf", no_pages.into_bytes()), "damaged"),
    ] {
        let document = app.upload(&admin, "patient-1", &sample).await;
        for round in 0..2 {
            let refused = app.get(&admin, &path(&document, "")).await.expect(422);
            assert_eq!(refused.code(), "preview_failed", "{} {round}", sample.name);
            assert_eq!(refused.json()["errors"]["preview"], why, "{} {round}", sample.name);
        }
        looked_at += 1;
        assert_eq!(app.app.renderer.started(), looked_at, "{} is not remembered", sample.name);
        // The document itself is there.
        let content = format!("/api/docs/{}/content", id(&document));
        assert!(app.get(&admin, &content).await.expect(200).body == sample.bytes);
    }
    assert!(kept(app).await.is_empty());
    let forgotten = app.sql("delete from document_previews where unfit is not null").await.unwrap();
    assert_eq!(forgotten, 5);
}

async fn pages_and_frames_are_shown_one_by_one(app: &TestApp) {
    let admin = app.admin();
    let frames = Dicom { rows: 2, columns: 2, frames: 2, ..Dicom::default() };
    let frames = Dicom { pixels: vec![0, 9, 9, 9, 9, 9, 9, 0], ..frames };
    for sample in [
        made("two.pdf", "application/pdf", pdf_of(&[[200, 0, 0], [0, 0, 200]])),
        made("two.tiff", "image/tiff", tiff_of(&[(9, 9, 20), (9, 9, 200)], false)),
        made("two.dcm", "application/dicom", frames.file()),
    ] {
        let document = app.upload(&admin, "patient-1", &sample).await;
        let pages = ["?size=page&page=1", "?size=page&page=2"];
        let [one, two] = pages.map(|query| path(&document, query));
        let (one, two) = (app.get(&admin, &one).await, app.get(&admin, &two).await);
        let (one, two) = (one.expect(200), two.expect(200));
        assert_eq!(header(&two, "x-page-count"), "2");
        assert!(picture(&one) != picture(&two), "{}", sample.name);
        let none = app.get(&admin, &path(&document, "?page=3")).await.expect(422);
        let right = "must be from 1 to 2, the pages of the document";
        assert_eq!(none.json()["errors"]["page"], right, "{}", sample.name);
    }
    // Only first pages are kept.
    assert_eq!(kept(app).await.len(), 3);
    let document = app.upload(&admin, "patient-1", &photo()).await;
    for (query, field) in [
        ("?page=0", "page"),
        ("?page=100001", "page"),
        ("?size=huge", "size"),
        ("?wc=40", "wc"),
        ("?ww=40", "wc"),
        ("?wc=40&ww=0", "ww"),
        ("?wc=40&ww=400", "wc"),
    ] {
        let refused = app.get(&admin, &path(&document, query)).await.expect(422);
        assert!(refused.json()["errors"][field].is_string(), "{query}");
    }
}

async fn the_window_of_a_dicom_picture_can_be_chosen(app: &TestApp) {
    let admin = app.admin();
    let document = app.upload(&admin, "patient-1", &named("chest-ct.dcm")).await;
    let usual = app.get(&admin, &path(&document, "?size=page")).await.expect(200);
    assert_eq!(header(&usual, "x-window-center"), "-300");
    assert_eq!(header(&usual, "x-window-width"), "1500");
    assert_eq!(header(&usual, "content-type"), "image/png");
    let bone = app.get(&admin, &path(&document, "?size=page&wc=300&ww=1500")).await.expect(200);
    assert_eq!(header(&bone, "x-window-center"), "300");
    assert_ne!(bone.headers["etag"], usual.headers["etag"]);
    let light = |answer: &Answer| {
        let pixels = picture(answer).to_luma8();
        pixels.iter().map(|&value| u64::from(value)).sum::<u64>()
    };
    assert!(light(&bone) < light(&usual), "a higher window is darker");
    let same = app.get(&admin, &path(&document, "?size=page&wc=-300&ww=1500")).await.expect(200);
    assert!(picture(&same) == picture(&usual));
    assert_eq!(kept(app).await.len(), 1, "a window that was chosen is not kept");
}

async fn a_picture_that_was_exchanged_is_made_again(app: &TestApp) {
    let admin = app.admin();
    let document = app.upload(&admin, "patient-1", &photo()).await;
    let first = app.get(&admin, &path(&document, "")).await.expect(200);
    let key = ObjectKey::new(kept(app).await.remove(0)).unwrap();
    app.app.store.purge(&key).await.unwrap();
    let object = NewObject::new(key.clone(), "image/jpeg".to_owned());
    let mut other = first.body.clone();
    other.reverse();
    let body = futures::stream::iter([Ok(bytes::Bytes::from(other))]).boxed();
    app.app.store.put(&object, Size::Exactly(first.body.len() as u64), body).await.unwrap();
    let again = app.get(&admin, &path(&document, "")).await.expect(200);
    assert!(again.body == first.body);
    let gone = kept(app).await;
    app.app.store.purge(&ObjectKey::new(gone[0].clone()).unwrap()).await.unwrap();
    assert!(app.get(&admin, &path(&document, "")).await.expect(200).body == first.body);
}

async fn a_photograph_loses_its_place_and_its_notes(app: &TestApp) {
    let admin = app.admin();
    let turned = jpeg_turned(&photo().bytes, 6, b"CANARY of a place");
    let document = app.upload(&admin, "patient-1", &made("t.jpg", "image/jpeg", turned)).await;
    let flat = app.upload(&admin, "patient-1", &photo()).await;
    let shown = app.get(&admin, &path(&document, "")).await.expect(200);
    assert!(!shown.body.windows(4).any(|four| four == b"Exif" || four == b"CANA"));
    let (width, height) = picture(&shown).dimensions();
    let plain = app.get(&admin, &path(&flat, "")).await.expect(200);
    assert_eq!(picture(&plain).dimensions(), (height, width));
}

async fn a_caller_who_has_the_picture_is_told_so(app: &TestApp) {
    let admin = app.admin();
    let document = app.upload(&admin, "patient-1", &photo()).await;
    let first = app.get(&admin, &path(&document, "")).await.expect(200);
    let etag = header(&first, "etag");
    let headers = [("authorization", admin.header.1.as_str()), ("if-none-match", etag)];
    let same = app.request(Method::GET, &path(&document, ""), &headers, None).await.expect(304);
    assert!(same.body.is_empty());
    let large = path(&document, "?size=page");
    app.request(Method::GET, &large, &headers, None).await.expect(200);
    assert_eq!(looks(app, &document).await.len(), 3);
}

async fn without_the_trail_no_preview_is_shown(app: &TestApp) {
    let admin = app.admin();
    let document = app.upload(&admin, "patient-1", &photo()).await;
    app.get(&admin, &path(&document, "")).await.expect(200);
    app.break_trail().await;
    app.get(&admin, &path(&document, "")).await.expect(503);
    app.mend_trail().await;
    app.get(&admin, &path(&document, "")).await.expect(200);
}

/// A program that does this instead of drawing.
fn program(folder: &tempfile::TempDir, does: &str) -> std::path::PathBuf {
    let program = folder.path().join("program");
    std::fs::write(&program, format!("#!/bin/sh\n{does}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    program
}

const SMALL: Job = Job { format: Format::Png, size: PictureSize::Thumb, page: 1, window: None };

#[tokio::test]
async fn how_a_worker_ends_says_whether_it_was_the_file() {
    for (does, says) in [
        ("kill -ABRT $$", "no picture can be made: too_complex"),
        ("kill -KILL $$", "no picture can be made: too_complex"),
        ("kill -SEGV $$", "no picture can be made: damaged"),
        // As a service manager ends everything that belongs to a server.
        ("kill -TERM $$", "the worker could not be used"),
        ("exit 101", "no picture can be made: damaged"),
        ("exit 1", "the worker could not be used"),
        ("echo '{}'", "the worker could not be used"),
    ] {
        let folder = tempfile::TempDir::new().unwrap();
        let renderer = Renderer::new(program(&folder, does));
        let file = async { Ok(futures::stream::empty().boxed()) };
        let refused = renderer.draw(&SMALL, 0, file).await.unwrap_err();
        assert_eq!(refused.to_string(), says, "{does}");
    }
}

#[tokio::test]
async fn whoever_stops_waiting_stops_the_worker() {
    let folder = tempfile::TempDir::new().unwrap();
    let number = folder.path().join("number");
    let does = format!("echo $$ > {}\nexec sleep 600", number.display());
    let renderer = Renderer::new(program(&folder, &does));
    let file = async { Ok(futures::stream::empty().boxed()) };
    let begun = Instant::now();
    let running = async {
        loop {
            let text = std::fs::read_to_string(&number).unwrap_or_default();
            if let Ok(number) = text.trim().parse::<u32>() {
                return number;
            }
            assert!(begun.elapsed() < PATIENCE, "the worker was never started");
            tokio::time::sleep(PAUSE).await;
        }
    };
    let number = tokio::select! {
        drawn = renderer.draw(&SMALL, 0, file) => panic!("{drawn:?}"),
        number = running => number,
    };
    let is_there = || std::fs::exists(format!("/proc/{number}/fd/0")).unwrap();
    while is_there() {
        assert!(begun.elapsed() < PATIENCE, "the worker still runs");
        tokio::time::sleep(PAUSE).await;
    }
}

#[test]
fn a_worker_can_open_nothing_and_use_so_much_memory_and_no_more() {
    use std::io::Write as _;
    let mut worker = std::process::Command::new(env!("CARGO_BIN_EXE_strongroom"))
        .arg("render")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let limits = format!("/proc/{}/limits", worker.id());
    let begun = Instant::now();
    let limits = loop {
        let text = std::fs::read_to_string(&limits).unwrap();
        if text.lines().any(|line| line.starts_with("Max open files") && line.contains(" 0 ")) {
            break text;
        }
        assert!(begun.elapsed() < PATIENCE, "{text}");
        std::thread::sleep(PAUSE);
    };
    for (what, most) in [
        ("Max address space", "1610612736"),
        ("Max cpu time", "15"),
        ("Max file size", "0"),
        ("Max core file size", "0"),
        ("Max processes", "0"),
    ] {
        let line = limits.lines().find(|line| line.starts_with(what)).unwrap();
        let said: Vec<_> = line[what.len()..].split_whitespace().collect();
        assert_eq!(said[..2], [most, most], "{line}");
    }
    let job = json!({ "format": "png", "size": "thumb", "page": 1, "window": null });
    let mut input = worker.stdin.take().unwrap();
    writeln!(input, "{job}").unwrap();
    let mut file = Cursor::new(Vec::new());
    DynamicImage::new_luma8(9, 9).write_to(&mut file, image::ImageFormat::Png).unwrap();
    input.write_all(file.get_ref()).unwrap();
    drop(input);
    let done = worker.wait_with_output().unwrap();
    assert!(done.status.success());
    assert!(done.stdout.starts_with(b"{\"drawn\":{\"width\":9,\"height\":9,"));
}
