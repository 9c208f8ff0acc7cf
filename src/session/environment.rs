//! Which environment a person works on: `RBK_ENVIRONMENT` says it, else the `environment` of the nearest `rbk.toml`.
use super::advice::nearest;
use super::project::whole;

/// By its name, as it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment(pub String);

/// None: nobody says it.
///
/// # Errors
/// One line for a person: the `rbk.toml` cannot be read.
#[allow(clippy::disallowed_methods, reason = "the waist knows what the environment holds")]
pub fn here() -> Result<Option<Environment>, String> {
    let set = std::env::var("RBK_ENVIRONMENT").ok().filter(|name| !name.trim().is_empty());
    let name = match set {
        Some(name) => Some(name),
        None => nearest(&whole("."))?.and_then(|(_, settings)| settings.environment.clone()),
    };
    Ok(name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).map(Environment))
}

impl Environment {
    /// `production`, `Prod`, `prod-eu`.
    #[must_use]
    pub fn is_production(&self) -> bool {
        let name = self.0.to_lowercase();
        let first = name.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        first == "prod" || first == "production"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn production_is_known_by_its_first_word() {
        let is = |name: &str| Environment(name.to_owned()).is_production();
        assert!(is("production") && is("Prod") && is("prod-eu") && is("PRODUCTION/eu"));
        assert!(!is("staging") && !is("preproduction") && !is("product-team") && !is("non-production"));
    }
}
