//! Texts as they were when a run started: what a run goes on with, whatever stands on the disk by now.
use super::disk::beside;
use crate::check::Library;
use crate::journal::Text;

pub struct Recorded<'a>(pub &'a [Text]);

impl Recorded<'_> {
    fn named(&self, name: &str) -> Option<(String, String)> {
        self.0.iter().find(|text| text.name == name).map(|text| (text.name.clone(), text.text.clone()))
    }
}

impl Library for Recorded<'_> {
    fn read(&self, from: &str, path: &str) -> Result<(String, String), String> {
        let name = beside(from, path);
        self.named(&name).ok_or_else(|| format!("the journal holds no `{name}`"))
    }

    fn standard(&self, path: &str) -> Option<(String, String)> {
        self.named(&format!("<std>/{}.rbk", path.strip_prefix("std/")?))
    }
}
