//! Text and CSV: really text, and not a page, a script or another format written in text.

use super::foreign::has_markup;
use super::reader::Reader;
use super::verdict::{Reason, Stop, other_type, refuse};

/// How much of a long text is looked at from its beginning; and its end.
const LOOKED_AT: u64 = 32 << 20;
const END: usize = 64 * 1024;

/// What begins a page, a script or a file of another kind, lower case.
const OTHERS: [&[u8]; 15] = [
    b"#!",
    b"<?php",
    b"<?xml",
    b"<!doctype",
    b"<html",
    b"<head",
    b"<body",
    b"<script",
    b"<svg",
    b"%!ps",
    b"%pdf-",
    b"{\\rtf",
    b"@echo off",
    b"windows registry editor",
    b"[internetshortcut]",
];

pub(super) fn check(reader: &mut Reader<'_>) -> Result<(), Stop> {
    let mut at = 0;
    while at < LOOKED_AT.min(reader.size()) {
        let piece = reader.chunk(at)?;
        if !is_text(piece) {
            return other_type();
        }
        at += piece.len() as u64;
    }
    let (_, end) = reader.tail(END)?;
    if !is_text(&end) {
        return other_type();
    }
    let head = reader.read(0, 4096)?;
    let start = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&head).trim_ascii_start();
    let start = start[..start.len().min(32)].to_ascii_lowercase();
    if OTHERS.iter().any(|begin| start.starts_with(begin)) {
        return other_type();
    }
    if has_markup(&head) || has_markup(&end) {
        return refuse(
            Reason::ActiveContent,
            "A web page or a script stands in the text; send plain text.",
        );
    }
    Ok(())
}

/// UTF-8 (perhaps cut at the end) or an 8-bit encoding, and no control characters.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|&b| b >= 0x20 || matches!(b, b'\t' | b'\n' | b'\r' | 0x0C))
}
