//! A message, sent once: the engine bounds and repeats it.
use std::time::Duration;

use super::{Http, Request, value, wrong};
use crate::effects::Cancel;
use crate::engine::{Arg, Ending, Outcome};
use crate::value::{SmolStr, Value, encode, json};

/// Longer than the engine waits for a message.
const LIMIT: Duration = Duration::from_secs(30);

impl Http {
    /// Refused for good is `some`, anything else `unknown`, or `none` where nobody was reached.
    pub(super) async fn notify(&self, args: &[(SmolStr, Arg)], key: &str, cancel: Cancel) -> Outcome {
        let (Some(url), Some(body)) = (value(args, "url").map(|v| v.expose().0), value(args, "json")) else {
            return wrong("a message needs `url` and `json`");
        };
        let made = encode::url::encode(url, encode::How::Whole)
            .and_then(|url| Request::message(&url, json::to_json_exposed(body).to_string(), key, LIMIT));
        let request = match made {
            // All of its address can be what nobody else may know.
            Ok(request) => Request { shown: "the message".to_owned(), ..request },
            Err(message) => return wrong(&message),
        };
        let (ending, result) = self.send(&request, cancel).await;
        match result {
            Ok(response) if response.is_success() => Outcome::done(Value::Null),
            Ok(response) if response.status < 500 && response.status != 429 => {
                Outcome::failed(Ending::Some, self.refused(&request.shown, &response))
            }
            Ok(response) => Outcome::failed(Ending::Unknown, self.refused(&request.shown, &response)),
            Err(failure) => Outcome::failed(ending, failure),
        }
    }
}
