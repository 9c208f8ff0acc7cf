//! `with db { $ … }`: the `PG*` variables of a connection and a password file that only this command can find.
use super::context::{Launch, refused};
use crate::effects::postgres::pg_environment;
use crate::engine::Failure;
use crate::value::{ConnKind, Connection};

/// What would speak louder than the variables set here.
const LOUDER: [&str; 6] = ["PGPASSWORD", "PGSERVICE", "PGSERVICEFILE", "PGHOSTADDR", "PGPASSFILE", "PGREQUIRESSL"];

/// How the password reaches the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// A private file of this machine.
    File,
    /// On another host, or as another user, there is no such file.
    Environment,
}

/// Set the connection's variables, unless an inner connection has set them already.
///
/// # Errors
/// When the URL cannot be read, or the password file not be written.
pub fn apply(recipe: &Connection, launch: &mut Launch, carrier: Carrier) -> Result<(), Failure> {
    if recipe.kind != ConnKind::Postgres {
        let kind = recipe.kind.name();
        return Err(refused(format!("`with {}`: a {kind} connection sets nothing for commands", recipe.name)));
    }
    if launch.password.is_some() || launch.env.iter().any(|(name, _)| name == "PGPASSFILE") {
        return Ok(());
    }
    let environment = pg_environment(recipe).map_err(refused)?;
    let mut own = Vec::new();
    match carrier {
        Carrier::File => launch.password = environment.password_file().map_err(refused)?,
        Carrier::Environment => {
            let password = environment.password().map_err(refused)?;
            own.extend(password.map(|p| ("PGPASSWORD".to_owned(), p.to_owned())));
        }
    }
    // libpq says nothing about a file that is not there, and reads no other.
    let file = launch.password.as_ref().map_or_else(|| "/dev/null".into(), |f| f.path().display().to_string());
    own.push(("PGPASSFILE".to_owned(), file));
    launch.unset.extend(LOUDER);
    let vars = environment.vars.into_iter().map(|(name, value)| (name.to_string(), value));
    for (name, value) in vars.chain(own) {
        if !launch.env.iter().any(|(n, _)| *n == name) {
            launch.env.push((name, value));
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "reads what was written")]
mod tests {
    use super::*;
    use crate::value::{Record, Secret, Value};

    fn recipe(url: &str) -> Connection {
        let url = Secret::hide("db".into(), Value::str(url));
        Connection {
            kind: ConnKind::Postgres,
            name: "db".into(),
            args: Record(vec![("url".into(), url), ("database".into(), Value::Null)]),
        }
    }

    #[test]
    fn a_url_becomes_variables_and_a_private_file() {
        let mut launch = Launch::default();
        let url = "postgres://ann:p%3Aw%5C@db.example:6000/shop?sslmode=require";
        apply(&recipe(url), &mut launch, Carrier::File).unwrap();
        let get = |n: &str| launch.env.iter().find(|(k, _)| k == n).map(|(_, v)| v.as_str());
        assert_eq!(get("PGHOST"), Some("db.example"));
        assert_eq!(get("PGPORT"), Some("6000"));
        assert_eq!(get("PGUSER"), Some("ann"));
        assert_eq!(get("PGDATABASE"), Some("shop"));
        assert_eq!(get("PGSSLMODE"), Some("require"));
        let path = get("PGPASSFILE").unwrap().to_owned();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "db.example:6000:*:ann:p\\:w\\\\\n");
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        assert!(launch.env.iter().all(|(_, v)| !v.contains("p:w")));
        drop(launch);
        assert!(!std::path::Path::new(&path).exists());
    }

    #[test]
    fn elsewhere_the_password_travels_in_the_environment() {
        let mut launch = Launch::default();
        apply(&recipe("postgres://ann:geheim%21@db/shop"), &mut launch, Carrier::Environment).unwrap();
        assert!(launch.env.contains(&("PGPASSWORD".into(), "geheim!".into())));
        assert!(launch.password.is_none());
    }

    #[test]
    fn a_socket_directory_is_a_host_and_no_password_is_looked_for_elsewhere() {
        let mut launch = Launch::default();
        apply(&recipe("postgres://ann@%2Frun%2Fpg/shop"), &mut launch, Carrier::File).unwrap();
        assert!(launch.env.contains(&("PGHOST".into(), "/run/pg".into())));
        assert!(launch.env.contains(&("PGPASSFILE".into(), "/dev/null".into())));
    }
}
