//! Every store: requests that somebody else makes with a signature of ours.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom::store::{AnswerHeaders, PresignedRequest, UploadMethod};

use crate::conformance::{AWKWARD_KEYS, Ground, MINUTE, bytes, key, now, sha256, upload};
use crate::on_every_store;

on_every_store!(
    an_upload_as_it_was_announced_is_let_in,
    a_second_upload_does_what_the_abilities_say,
    a_form_as_it_was_announced_is_let_in,
    a_download_shows_the_type_and_the_name_that_were_signed,
    a_download_of_a_version_stays_that_version;
    not_moto("it checks no signature and no policy, and looks for an object before it writes one"):
    two_uploads_at_once_do_what_the_abilities_say,
    an_upload_of_another_length_is_refused,
    an_upload_of_another_type_is_refused,
    an_upload_of_other_bytes_is_refused_if_the_store_says_so,
    an_upload_too_late_is_refused,
    an_upload_under_another_key_or_signature_is_refused,
    a_form_of_another_size_is_refused,
    a_form_with_a_changed_field_is_refused,
    a_form_too_late_is_refused,
    a_download_too_late_or_of_something_else_is_refused,
);

fn presign(g: &Ground, name: &str, data: &[u8], method: UploadMethod) -> PresignedRequest {
    g.store.presign_put(&upload(name, data), method, MINUTE, now()).unwrap()
}

fn set(values: &mut [(String, String)], name: &str, value: &str) {
    let found = values.iter_mut().find(|(n, _)| n.eq_ignore_ascii_case(name));
    value.clone_into(&mut found.unwrap_or_else(|| panic!("no {name}")).1);
}

async fn an_upload_as_it_was_announced_is_let_in(g: &Ground) {
    for (seed, name) in ["plain.pdf"].iter().chain(AWKWARD_KEYS).enumerate() {
        let data = bytes(seed as u64, 40_000 + seed);
        let request = presign(g, name, &data, UploadMethod::Put);
        assert_eq!(request.method, "PUT");
        let length = request.headers.iter().find(|(name, _)| name == "content-length");
        assert_eq!(length.unwrap().1, data.len().to_string());
        g.send(&request, &data).await.expect(200);
        let info = g.store.head(&key(name), None).await.unwrap();
        assert_eq!(info.size, data.len() as u64);
        assert_eq!(info.content_type.as_deref(), Some("application/pdf"));
        assert!(info.sha256.is_none_or(|known| known == sha256(&data)));
        assert!(g.read(name, info.version_id.as_deref(), None).await.unwrap() == data);
    }
    let data = bytes(99, 3_000_000);
    let mut unknown = upload("no-sha", &data);
    unknown.sha256 = None;
    let request = g.store.presign_put(&unknown, UploadMethod::Put, MINUTE, now()).unwrap();
    g.send(&request, &data).await.expect(200);
    assert!(g.read("no-sha", None, None).await.unwrap() == data);
}

async fn an_upload_of_another_length_is_refused(g: &Ground) {
    let data = bytes(1, 10_000);
    for size in [9_999, 10_001, 1, 0] {
        // Whoever has the URL may know no SHA-256, and none may be asked for.
        let mut put = upload("length", &data);
        put.sha256 = None;
        let request = g.store.presign_put(&put, UploadMethod::Put, MINUTE, now()).unwrap();
        g.send(&request, &bytes(1, size)).await.expect_refused();
        g.expect_nothing("length").await;
    }
}

async fn an_upload_of_another_type_is_refused(g: &Ground) {
    let data = bytes(2, 10_000);
    let mut request = presign(g, "type", &data, UploadMethod::Put);
    set(&mut request.headers, "content-type", "text/html");
    g.send(&request, &data).await.expect_refused();
    request.headers.retain(|(name, _)| name != "content-type");
    g.send(&request, &data).await.expect_refused();
    g.expect_nothing("type").await;
}

async fn an_upload_of_other_bytes_is_refused_if_the_store_says_so(g: &Ground) {
    let (announced, other) = (bytes(3, 10_000), bytes(4, 10_000));
    let request = presign(g, "bytes", &announced, UploadMethod::Put);
    let sent = g.send(&request, &other).await;
    if g.can().sha256 {
        sent.expect_refused();
        g.expect_nothing("bytes").await;
    } else {
        sent.expect(200);
    }
    // Its header is signed: another one is refused by every store.
    let mut request = presign(g, "header", &announced, UploadMethod::Put);
    let sha = STANDARD.encode(sha256(&other));
    if request.headers.iter().any(|(name, _)| name == "x-amz-checksum-sha256") {
        set(&mut request.headers, "x-amz-checksum-sha256", &sha);
        g.send(&request, &other).await.expect_refused();
        g.expect_nothing("header").await;
    } else {
        assert!(!g.can().sha256, "it is not asked for");
    }
}

async fn an_upload_too_late_is_refused(g: &Ground) {
    let data = bytes(5, 10_000);
    let ago = now() - Duration::from_mins(2);
    let put = upload("late", &data);
    let request = g.store.presign_put(&put, UploadMethod::Put, MINUTE, ago).unwrap();
    assert!(request.expires_at < now());
    g.send(&request, &data).await.expect_refused();
    g.expect_nothing("late").await;
}

async fn an_upload_under_another_key_or_signature_is_refused(g: &Ground) {
    let data = bytes(6, 10_000);
    let request = presign(g, "mine.pdf", &data, UploadMethod::Put);
    for (from, to) in [
        ("mine.pdf", "yours.pdf"),
        ("X-Amz-Expires=60", "X-Amz-Expires=3600"),
        ("X-Amz-Date=2", "X-Amz-Date=3"),
        ("X-Amz-Signature=", "X-Amz-Signature=0"),
    ] {
        let changed = PresignedRequest { url: request.url.replace(from, to), ..request.clone() };
        assert_ne!(changed.url, request.url, "{from}");
        g.send(&changed, &data).await.expect_refused();
    }
    let delete = PresignedRequest { method: "DELETE", ..request.clone() };
    g.send(&delete, b"").await.expect_refused();
    let get = PresignedRequest { method: "GET", ..request.clone() };
    g.send(&get, b"").await.expect_refused();
    g.expect_nothing("mine.pdf").await;
    g.expect_nothing("yours.pdf").await;
    g.send(&request, &data).await.expect(200);
}

/// What was confirmed stays, or the abilities say that it may not.
async fn a_second_upload_does_what_the_abilities_say(g: &Ground) {
    let (data, other) = (bytes(7, 10_000), bytes(8, 10_000));
    let mut put = upload("again", &data);
    put.sha256 = None;
    let request = g.store.presign_put(&put, UploadMethod::Put, MINUTE, now()).unwrap();
    g.send(&request, &data).await.expect(200);
    let pinned = g.store.head(&key("again"), None).await.unwrap();
    let second = g.send(&request, &other).await;
    if g.can().create_only {
        second.expect_refused();
    } else {
        second.expect(200);
    }
    let read = g.read("again", pinned.version_id.as_deref(), None).await.unwrap();
    let replaced = read != data;
    assert_eq!(replaced, g.can().can_be_reused(UploadMethod::Put), "{:?}", g.can());
}

async fn two_uploads_at_once_do_what_the_abilities_say(g: &Ground) {
    for round in 0..5 {
        let name = format!("race/{round}");
        let (one, other) = (bytes(round, 100_000), bytes(100 + round, 100_000));
        let mut put = upload(&name, &one);
        put.sha256 = None;
        let request = g.store.presign_put(&put, UploadMethod::Put, MINUTE, now()).unwrap();
        let (a, b) = tokio::join!(g.send(&request, &one), g.send(&request, &other));
        let let_in = [&a, &b].iter().filter(|sent| sent.status == 200).count();
        // One may be refused (or told to try again), never both.
        let expected = if g.can().create_only { 1..=1 } else { 1..=2 };
        assert!(expected.contains(&let_in), "{} {}", a.status, b.status);
        let read = g.read(&name, None, None).await.unwrap();
        assert!((read == one && a.status == 200) || (read == other && b.status == 200));
    }
}

async fn a_form_as_it_was_announced_is_let_in(g: &Ground) {
    let data = bytes(9, 40_000);
    for name in ["form.pdf", "a b/ü+%41.pdf"] {
        let put = upload(name, &data);
        let form = g.store.presign_put(&put, UploadMethod::Form, MINUTE, now());
        if !g.can().forms {
            assert!(form.is_err(), "a form that the store would not honour");
            return;
        }
        let form = form.unwrap();
        assert_eq!(form.method, "POST");
        g.send(&form, &data).await.expect_let_in();
        let info = g.store.head(&key(name), None).await.unwrap();
        assert_eq!(info.content_type.as_deref(), Some("application/pdf"));
        assert!(g.read(name, info.version_id.as_deref(), None).await.unwrap() == data);
        g.send(&form, &bytes(10, 40_000)).await;
        let read = g.read(name, info.version_id.as_deref(), None).await.unwrap();
        assert!(read == data || g.can().can_be_reused(UploadMethod::Form));
    }
}

async fn a_form_of_another_size_is_refused(g: &Ground) {
    if !g.can().forms {
        return;
    }
    let data = bytes(11, 10_000);
    for size in [9_999, 10_001, 0, 12_000] {
        let form = presign(g, "form-size", &data, UploadMethod::Form);
        g.send(&form, &bytes(11, size)).await.expect_refused();
        g.expect_nothing("form-size").await;
    }
}

async fn a_form_with_a_changed_field_is_refused(g: &Ground) {
    if !g.can().forms {
        return;
    }
    let data = bytes(12, 10_000);
    let form = presign(g, "form-field", &data, UploadMethod::Form);
    let names: Vec<_> = form.fields.iter().map(|(name, _)| name.clone()).collect();
    for name in &names {
        let mut changed = form.clone();
        match name.to_ascii_lowercase().as_str() {
            "key" => set(&mut changed.fields, name, "another-key"),
            "content-type" => set(&mut changed.fields, name, "text/html"),
            "x-amz-checksum-sha256" => {
                set(&mut changed.fields, name, &STANDARD.encode(sha256(b"other")));
            }
            _ => set(&mut changed.fields, name, "0"),
        }
        g.send(&changed, &data).await.expect_refused();
        changed.fields.retain(|(n, _)| n != name);
        let sent = g.send(&changed, &data).await;
        assert!((400..500).contains(&sent.status), "without {name}: {}", sent.status);
    }
    g.expect_nothing("form-field").await;
    g.expect_nothing("another-key").await;
}

async fn a_form_too_late_is_refused(g: &Ground) {
    if !g.can().forms {
        return;
    }
    let data = bytes(13, 10_000);
    let ago = now() - Duration::from_mins(2);
    let put = upload("form-late", &data);
    let form = g.store.presign_put(&put, UploadMethod::Form, MINUTE, ago).unwrap();
    g.send(&form, &data).await.expect_refused();
    g.expect_nothing("form-late").await;
}

async fn a_download_shows_the_type_and_the_name_that_were_signed(g: &Ground) {
    let data = bytes(14, 30_000);
    g.put("shown", &data).await;
    let name = "attachment; filename=\"a b.pdf\"; filename*=UTF-8''%C3%BC%20b.pdf";
    let answer = AnswerHeaders {
        content_type: Some("text/plain".to_owned()),
        content_disposition: Some(name.to_owned()),
    };
    let get = g.store.presign_get(&key("shown"), None, &answer, MINUTE, now()).unwrap();
    let sent = g.send(&get, b"").await.expect(200);
    assert!(sent.body == data);
    assert_eq!(sent.headers["content-type"], "text/plain");
    assert_eq!(sent.headers["content-disposition"], name);
    let range = g.http.get(&get.url).header("range", "bytes=10-19").send().await.unwrap();
    assert_eq!(range.status(), 206);
    assert!(range.bytes().await.unwrap() == data[10..20]);
}

async fn a_download_of_a_version_stays_that_version(g: &Ground) {
    let (old, new) = (bytes(15, 30_000), bytes(16, 30_000));
    let put = g.put("pinned", &old).await;
    let version = put.version_id.as_deref();
    let answer = AnswerHeaders::default();
    let get = g.store.presign_get(&key("pinned"), version, &answer, MINUTE, now()).unwrap();
    g.overwrite("pinned", &new).await;
    let read = g.send(&get, b"").await.expect(200).body;
    assert!(read == if g.can().versions { old } else { new });
}

async fn a_download_too_late_or_of_something_else_is_refused(g: &Ground) {
    g.put("one.pdf", &bytes(17, 1_000)).await;
    g.put("two.pdf", &bytes(18, 1_000)).await;
    let answer = AnswerHeaders {
        content_type: None,
        content_disposition: Some("attachment; filename=\"one.pdf\"".to_owned()),
    };
    let ago = now() - Duration::from_mins(2);
    let late = g.store.presign_get(&key("one.pdf"), None, &answer, MINUTE, ago).unwrap();
    g.send(&late, b"").await.expect_refused();
    let get = g.store.presign_get(&key("one.pdf"), None, &answer, MINUTE, now()).unwrap();
    for (from, to) in [
        ("/one.pdf", "/two.pdf"),
        ("attachment", "inline"),
        ("X-Amz-Expires=60", "X-Amz-Expires=90"),
    ] {
        let changed = PresignedRequest { url: get.url.replacen(from, to, 1), ..get.clone() };
        assert_ne!(changed.url, get.url, "{from}");
        g.send(&changed, b"").await.expect_refused();
    }
    g.send(&get, b"").await.expect(200);
}
