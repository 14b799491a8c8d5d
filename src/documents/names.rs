//! File names as they are ordered and looked for, the same on both engines.
//!
//! Databases differ in what is lower case and in what is a letter, so neither is asked: names are
//! folded and split here, and the columns hold the outcome.
//!
//! Invariants:
//! - Folding what was folded changes nothing.
//! - The words of a name hold letters and digits only, so they need no quotes in any query.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// A name for ordering: lower case, without accents (`Ärztebrief` as `arztebrief`).
pub fn folded(name: &str) -> String {
    let plain = |text: &str| text.nfkd().filter(|c| !is_combining_mark(*c)).collect::<String>();
    // Some letters come out of the decomposition as capitals, some of the lower case with accents.
    plain(&plain(name).to_lowercase())
}

/// The words of a name, each once, parted by blanks. A word ends where letters and digits end and
/// where the one becomes the other: `IMG2024_letter.pdf` has `img 2024 letter pdf`.
pub fn words(name: &str) -> String {
    let folded = folded(name);
    let mut words: Vec<&str> = Vec::new();
    for run in folded.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty()) {
        let mut rest = run;
        while let Some(first) = rest.chars().next() {
            let digits = first.is_numeric();
            let end = rest.find(|c: char| c.is_numeric() != digits).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            if !words.contains(&word) {
                words.push(word);
            }
            rest = after;
        }
    }
    words.join(" ")
}

/// The words somebody looks for; each has to begin a word of the name. A word that begins another
/// one is left out: where that one is found, so is this.
pub fn sought(text: &str) -> Vec<String> {
    let all = words(text);
    let all: Vec<&str> = all.split(' ').filter(|word| !word.is_empty()).collect();
    let longer = |word: &str| all.iter().any(|other| *other != word && other.starts_with(word));
    all.iter().filter(|word| !longer(word)).map(|&word| word.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_plain_and_end_at_signs_and_where_digits_begin() {
        for (name, expected) in [
            ("Arztbrief_Müller-2024.PDF", "arztbrief muller 2024 pdf"),
            ("IMG20240131T0959.jpg", "img 20240131 t 0959 jpg"),
            ("Ünal Ünal.pdf", "unal pdf"),
            ("ÅNGSTRÖM ﬁnal Ⅻ.txt", "angstrom final xii txt"),
            ("レントゲン写真.png", "レントケン写真 png"),
            ("İstanbul", "istanbul"),
            ("_-.", ""),
        ] {
            assert_eq!(words(name), expected, "{name}");
        }
    }

    #[test]
    fn a_word_that_begins_another_is_not_sought_twice() {
        assert_eq!(sought("let LETTER 20 2024"), ["letter", "2024"]);
        assert_eq!(sought("  ?! "), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(name in "\\PC{0,40}") {
            prop_assert_eq!(folded(&folded(&name)), folded(&name));
            prop_assert_eq!(words(&folded(&name)), words(&name));
            prop_assert_eq!(words(&words(&name)), words(&name));
        }

        #[test]
        fn words_hold_letters_and_digits_only(name in "\\PC{0,40}") {
            for word in words(&name).split(' ').filter(|_| !words(&name).is_empty()) {
                prop_assert!(!word.is_empty() && word.chars().all(char::is_alphanumeric));
            }
        }
    }
}
