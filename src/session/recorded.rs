//! Texts as they were when a run started: what a run goes on with, whatever stands on the disk by now.
use super::disk::beside;
use crate::check::Library;
use crate::journal::Text;
use crate::value::SmolStr;

pub struct Recorded<'a> {
    pub texts: &'a [Text],
    /// What the project said of commands that only read.
    pub reads: &'a [SmolStr],
}

impl Recorded<'_> {
    fn named(&self, name: &str) -> Option<(String, String)> {
        self.texts.iter().find(|text| text.name == name).map(|text| (text.name.clone(), text.text.clone()))
    }
}

impl Library for Recorded<'_> {
    fn read(&self, from: &str, path: &str) -> Result<(String, String), String> {
        let name = beside(from, path);
        self.named(&name).ok_or_else(|| format!("the journal holds no `{name}`"))
    }

    fn reads(&self) -> &[SmolStr] {
        self.reads
    }

    fn standard(&self, path: &str) -> Option<(String, String)> {
        self.named(&format!("<std>/{}.rbk", path.strip_prefix("std/")?))
    }
}
