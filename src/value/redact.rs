//! Finds known secrets, encoded forms included, in what leaves the program.
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{Record, Response, Secret, SmolStr, Value, show};

/// A shorter secret would be found in innocent text: it is not searched for.
pub const MIN_CHARS: usize = 6;

/// So much of the start of a secret is one; less says nothing, and stands in innocent text.
const PART: usize = 4;

/// Knows the secrets of a run. Its `Debug` shows how many.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Each form of a secret, and the secret's name.
    forms: Vec<(Vec<u8>, SmolStr)>,
    seen: HashSet<Vec<u8>>,
    /// Those that are too short to be searched for, and their names.
    short: HashMap<String, SmolStr>,
    /// The forms by their first byte.
    starts: HashMap<u8, Vec<Vec<u8>>>,
    /// Built when it is first needed after something was learned.
    finder: OnceCell<Option<AhoCorasick>>,
    longest: usize,
}

/// Whether a secret is too short to be searched for; then its declaration must say `short`.
#[must_use]
pub fn is_short(value: &Value) -> bool {
    let mut leaves = Vec::new();
    collect(value, &mut leaves);
    leaves.iter().any(|leaf| leaf.chars().count() < MIN_CHARS)
}

/// Whether there is nothing in a secret: then it was most likely not set.
#[must_use]
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Str(text) => text.trim().is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::Secret(secret) => is_empty(secret.expose()),
        Value::List(_)
        | Value::Record(_)
        | Value::Response(_)
        | Value::Connection(_)
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Decimal(_)
        | Value::Size(_)
        | Value::Duration(_)
        | Value::Time(_) => false,
    }
}

impl Redactor {
    /// From now on, what contains the value shows `‹name›`. Of a URL the password alone is known too,
    /// of a text with several lines each line.
    pub fn learn(&mut self, name: &str, value: &Value) {
        let mut leaves = Vec::new();
        collect(value, &mut leaves);
        let before = self.forms.len();
        for leaf in &leaves {
            self.learn_text(name, leaf);
            for line in leaf.lines().filter(|line| line.trim() != leaf && line.trim().chars().count() >= 8) {
                self.learn_text(name, line.trim());
            }
            for password in password_of(leaf).into_iter().chain(passwords_in_query(leaf)) {
                self.learn_text(name, &percent_decode_str(&password).decode_utf8_lossy());
                self.learn_text(name, &password);
            }
        }
        if self.forms.len() > before {
            self.finder = OnceCell::new();
            self.longest = self.forms.iter().map(|(form, _)| form.len()).max().unwrap_or(0);
        }
    }

    fn finder(&self) -> Option<&AhoCorasick> {
        let build = || {
            let mut finder = AhoCorasick::builder();
            finder.match_kind(MatchKind::LeftmostLongest);
            // The one that it would choose takes fifty times as long to make (5 ms for one URL) and finds hardly faster.
            finder.kind(Some(AhoCorasickKind::ContiguousNFA));
            finder.build(self.forms.iter().map(|(form, _)| form)).ok()
        };
        self.finder.get_or_init(|| if self.forms.is_empty() { None } else { build() }).as_ref()
    }

    fn learn_text(&mut self, name: &str, text: &str) {
        if text.chars().count() < MIN_CHARS {
            self.short.insert(text.to_owned(), SmolStr::new(name));
            return;
        }
        for form in forms(text) {
            if self.seen.insert(form.clone()) {
                if let Some(first) = form.first() {
                    self.starts.entry(*first).or_default().push(form.clone());
                }
                self.forms.push((form, SmolStr::new(name)));
            }
        }
    }

    /// The name of a secret that the text contains.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<SmolStr> {
        let found = self.finder()?.find(text)?;
        self.forms.get(found.pattern().as_usize()).map(|(_, name)| name.clone())
    }

    /// The name of a secret that this is and nothing else, also of a short one.
    #[must_use]
    pub fn is(&self, text: &str) -> Option<SmolStr> {
        let text = text.trim();
        self.short.get(text).cloned().or_else(|| self.find(text))
    }

    /// The name of a secret that any text in the value contains, or that the value is: such a value is a secret itself.
    #[must_use]
    pub fn hides(&self, value: &Value) -> Option<SmolStr> {
        match value {
            Value::Secret(s) => Some(s.name.clone()),
            Value::Str(s) => self.find(s),
            Value::Bytes(b) => self.find(&String::from_utf8_lossy(b)),
            Value::List(items) => items.iter().find_map(|v| self.hides(v)),
            Value::Record(r) => self.hides_record(r),
            Value::Response(r) => {
                self.hides_body(r).or_else(|| self.find(&r.url)).or_else(|| self.hides_record(&r.headers))
            }
            Value::Connection(_) | Value::Null | Value::Bool(_) | Value::Duration(_) | Value::Time(_) => None,
            Value::Int(_) | Value::Decimal(_) | Value::Size(_) => self.find(&show::literal(value)),
        }
    }

    fn hides_body(&self, response: &Response) -> Option<SmolStr> {
        let body = &response.body;
        let text = body.text().map_or_else(|| String::from_utf8_lossy(body.bytes()), |text| (&**text).into());
        response.secret.clone().or_else(|| self.find(&text))
    }

    /// The parts of an answer that contain a secret become one: its body, a header. Where it came from, and its status, stay.
    pub fn guard(&self, response: &mut Response) {
        if self.find(&response.url).is_some() {
            response.url = self.redact(&response.url).into();
        }
        response.secret = self.hides_body(response);
        for (_, value) in &mut response.headers.0 {
            if let Some(name) = self.hides(value) {
                *value = Secret::hide(name, std::mem::replace(value, Value::Null));
            }
        }
    }

    fn hides_record(&self, record: &Record) -> Option<SmolStr> {
        record.0.iter().find_map(|(k, v)| self.find(k).or_else(|| self.hides(v)))
    }

    /// The text with `‹name›` where a secret stood.
    #[must_use]
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.replace(text, |name| format!("‹{name}›"))
    }

    /// The text with a mark where a secret stood, made from the secret's name.
    #[must_use]
    pub fn replace<'a>(&self, text: &'a str, mark: impl Fn(&str) -> String) -> Cow<'a, str> {
        let Some(finder) = self.finder().filter(|f| f.is_match(text)) else { return Cow::Borrowed(text) };
        let mut out = String::with_capacity(text.len());
        finder.replace_all_with(text, &mut out, |found, _, out| {
            out.push_str(&mark(self.name_of(found.pattern().as_usize())));
            true
        });
        Cow::Owned(out)
    }

    fn name_of(&self, form: usize) -> &str {
        self.forms.get(form).map_or("secret", |(_, name)| name)
    }

    /// As [`Redactor::redact`], and the start of a secret where somebody has cut the text off: before `…` or `...`.
    #[must_use]
    pub fn redact_cut<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let clean = self.redact(text);
        let (mut out, mut rest) = (String::new(), &*clean);
        let mut changed = false;
        while let Some((at, dots)) = ["…", "..."].iter().filter_map(|dots| Some((rest.find(dots)?, *dots))).min() {
            let (head, tail) = (rest.get(..at).unwrap_or_default(), rest.get(at + dots.len()..).unwrap_or_default());
            let words = head.trim_end();
            let (kept, part) = words.split_at_checked(self.held(words.as_bytes())).unwrap_or((words, ""));
            let name = self.forms.iter().find(|(form, _)| form.starts_with(part.as_bytes())).map(|(_, name)| name);
            match name.filter(|_| part.chars().count() >= PART) {
                Some(name) => {
                    changed = true;
                    out.push_str(&format!("{kept}‹{name}›{}", head.get(words.len()..).unwrap_or_default()));
                }
                None => out.push_str(head),
            }
            out.push_str(dots);
            rest = tail;
        }
        if !changed {
            return clean;
        }
        out.push_str(rest);
        Cow::Owned(out)
    }

    fn put_name(&self, form: usize, mut put: impl FnMut(&str)) {
        put("‹");
        put(self.name_of(form));
        put("›");
    }

    /// Where the longest end of `bytes` starts that could be the start of a secret.
    fn held(&self, bytes: &[u8]) -> usize {
        let first = bytes.len().saturating_sub(self.longest.saturating_sub(1));
        (first..bytes.len())
            .find(|at| {
                let end = bytes.get(*at..).unwrap_or(&[]);
                let forms = end.first().and_then(|first| self.starts.get(first));
                forms.is_some_and(|forms| forms.iter().any(|form| form.len() > end.len() && form.starts_with(end)))
            })
            .unwrap_or(bytes.len())
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} forms)", self.forms.len())
    }
}

/// Redacts bytes that come in pieces: a secret that is cut by a border is still found.
#[derive(Default)]
pub struct Stream {
    held: Vec<u8>,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Stream({} bytes held)", self.held.len())
    }
}

impl Stream {
    /// What can leave now; the possible start of a secret is kept for the next piece.
    pub fn push(&mut self, redactor: &Redactor, bytes: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(bytes);
        let mut keep = redactor.held(&self.held);
        let mut out = Vec::with_capacity(self.held.len());
        let mut done = 0;
        if let Some(finder) = redactor.finder() {
            for found in finder.find_iter(&self.held) {
                // What starts in the held end may still grow into a longer secret.
                if found.start() >= keep {
                    break;
                }
                out.extend_from_slice(self.held.get(done..found.start()).unwrap_or(&[]));
                redactor.put_name(found.pattern().as_usize(), |mark| out.extend_from_slice(mark.as_bytes()));
                done = found.end();
                if done > keep {
                    keep = done + redactor.held(self.held.get(done..).unwrap_or(&[]));
                }
            }
        }
        out.extend_from_slice(self.held.get(done..keep).unwrap_or(&[]));
        self.held.drain(..keep.min(self.held.len()));
        out
    }

    /// The rest, at the end of the stream.
    pub fn finish(&mut self, redactor: &Redactor) -> Vec<u8> {
        let rest = std::mem::take(&mut self.held);
        let Some(finder) = redactor.finder() else { return rest };
        let mut out = Vec::with_capacity(rest.len());
        finder.replace_all_with_bytes(&rest, &mut out, |found, _, out| {
            redactor.put_name(found.pattern().as_usize(), |mark| out.extend_from_slice(mark.as_bytes()));
            true
        });
        out
    }
}

/// Every text in a value.
fn collect(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Str(s) => into.extend((!s.is_empty()).then(|| s.trim().to_owned())),
        Value::Bytes(b) => into.push(String::from_utf8_lossy(b).into_owned()),
        Value::Int(_) | Value::Decimal(_) | Value::Size(_) | Value::Duration(_) | Value::Time(_) => {
            into.push(show::literal(value));
        }
        Value::List(items) => items.iter().for_each(|v| collect(v, into)),
        Value::Record(r) => r.0.iter().for_each(|(_, v)| collect(v, into)),
        Value::Response(r) => into.push(String::from_utf8_lossy(r.body.bytes()).into_owned()),
        Value::Connection(c) => c.args.0.iter().take(1).for_each(|(_, v)| collect(v, into)),
        Value::Secret(s) => collect(s.expose(), into),
        Value::Null | Value::Bool(_) => {}
    }
}

/// `scheme://user:PASSWORD@host`, still percent-encoded; `password=…` of a query or of a connection string.
fn password_of(text: &str) -> Option<String> {
    if let Some((_, rest)) = text.split_once("://") {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        // A raw `/` or `?` in a password is wrong and seen all the same: up to the last `@` of all.
        let userinfo = authority.rsplit_once('@').or_else(|| rest.rsplit_once('@')).map(|(user, _)| user);
        if let Some((_, password)) = userinfo.and_then(|u| u.split_once(':')) {
            return Some(password.to_owned());
        }
    }
    None
}

/// Also of a URL that has one before its host: `redis+sentinel://:p@h/main?sentinel_password=q`, `unix:///s?pass=q`.
fn passwords_in_query(text: &str) -> Vec<String> {
    let found = ["password=", "pass="].iter().filter_map(|name| text.split_once(name));
    found.map(|(_, after)| after.split(['&', ' ', '#']).next().unwrap_or(after).to_owned()).collect()
}

/// As `encodeURIComponent` and as form data leave them.
const LOOSE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');
const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// As a URL parser leaves a path and a password.
const PATH: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'?').add(b'`').add(b'{').add(b'}');
const USERINFO: &AsciiSet =
    &PATH.add(b'/').add(b':').add(b';').add(b'=').add(b'@').add(b'[').add(b'\\').add(b']').add(b'^').add(b'|');

/// The text as it is, and as encoders write it.
fn forms(text: &str) -> Vec<Vec<u8>> {
    let mut all: Vec<String> = vec![text.to_owned()];
    for set in [LOOSE, STRICT, PATH, USERINFO, NON_ALPHANUMERIC] {
        let upper = utf8_percent_encode(text, set).to_string();
        all.push(upper.replace("%20", "+"));
        all.push(lower_escapes(&upper));
        all.push(upper);
    }
    let json = serde_json::Value::from(text).to_string();
    let json = json.get(1..json.len().saturating_sub(1)).unwrap_or("").to_owned();
    all.push(json.replace('/', "\\/"));
    all.push(ascii_json(&json, Case::Lower));
    all.push(ascii_json(&json, Case::Upper));
    all.push(json.replace('\\', "\\\\").replace('"', "\\\""));
    all.push(json);
    all.push(text.replace('\'', r"'\''"));
    all.push(text.replace('\'', "'\"'\"'"));
    all.push(text.replace('\'', "''"));
    all.push(backslashed(text, |c| matches!(c, '\\' | '"' | '$' | '`')));
    all.push(backslashed(text, |c| {
        !c.is_alphanumeric() && !matches!(c, '_' | '-' | '.' | '/' | ':' | '%' | '+' | '@' | '=')
    }));
    all.push(show::literal(&Value::str(text)).trim_matches('"').to_owned());
    all.push(show::escape(text).into_owned());
    for quote in ["&#39;", "&#x27;", "&apos;"] {
        let html = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        all.push(html.replace('"', "&quot;").replace('\'', quote));
        all.push(html);
    }
    let hex: String = text.bytes().map(|b| format!("{b:02x}")).collect();
    all.push(hex.to_uppercase());
    all.push(hex);
    let mut out: Vec<Vec<u8>> = all.into_iter().map(String::into_bytes).collect();
    out.extend(base64_forms(text.as_bytes()));
    out.retain(|form| form.len() >= MIN_CHARS);
    out
}

fn lower_escapes(encoded: &str) -> String {
    let mut out = String::with_capacity(encoded.len());
    let mut lower = 0;
    for c in encoded.chars() {
        lower = if c == '%' { 3 } else { usize::saturating_sub(lower, 1) };
        out.push(if lower > 0 { c.to_ascii_lowercase() } else { c });
    }
    out
}

#[derive(Clone, Copy)]
enum Case {
    Lower,
    Upper,
}

/// As encoders write JSON that keep to ASCII.
fn ascii_json(json: &str, case: Case) -> String {
    let mut out = String::new();
    let mut units = [0; 2];
    for c in json.chars() {
        if c.is_ascii() && !matches!(c, '<' | '>' | '&' | '\'') {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut units) {
            out.push_str(&match case {
                Case::Lower => format!("\\u{unit:04x}"),
                Case::Upper => format!("\\u{unit:04X}"),
            });
        }
    }
    out
}

fn backslashed(text: &str, special: impl Fn(char) -> bool) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if special(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The part of the Base64 text that is the same whatever stands before and after the secret, for each of the three
/// places it can start at; and the whole, as it stands alone.
fn base64_forms(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut out = vec![STANDARD.encode(bytes).into_bytes()];
    for shift in 0..3_usize {
        let shifted: Vec<u8> = std::iter::repeat_n(0, shift).chain(bytes.iter().copied()).collect();
        // The first characters mix with what stands before, the last one with what follows.
        let from = (shift * 8).div_ceil(6);
        let to = shifted.len() * 8 / 6;
        for text in [STANDARD_NO_PAD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
            out.extend(text.get(from..to).filter(|t| t.len() >= MIN_CHARS).map(|t| t.as_bytes().to_vec()));
        }
    }
    out
}
