//! The same read many times.
use super::*;

fn sample(site: &Arc<Connection>, path: &str, requests: i64, at_once: i64) -> Call {
    let more = [("requests", Value::Int(requests)), ("at_once", Value::Int(at_once))];
    let mut call = request("sample", Some(site), code(path, &[]), &more);
    call.effect = Effect::Read;
    call
}

#[test]
fn a_sample_of_each_request() {
    block_on(async {
        let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let web = Web::start(move |_| match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) % 10 {
            3 => answer("503 Service Unavailable", ""),
            7 => None,
            _ => answer("200 OK", ""),
        });
        let (http, site) = (Http::default(), base(&web, &[]));
        let samples = send(&http, &sample(&site, "/x", 40, 1)).await.result.unwrap();
        let Value::List(samples) = samples else { panic!("a list") };
        assert_eq!(samples.len(), 40);
        let good = samples.iter().filter(|s| method::field(s, "ok").unwrap() == Value::Bool(true)).count();
        let busy = samples.iter().filter(|s| method::field(s, "status").unwrap() == Value::Int(503)).count();
        // A read whose kept connection was closed is asked once more: 40 samples are some more requests.
        assert!((31..=36).contains(&good) && (3..=5).contains(&busy), "{good} {busy}");
        for one in samples.iter() {
            let error = method::field(one, "error").unwrap();
            assert_eq!(error == Value::Null, method::field(one, "ok").unwrap() == Value::Bool(true));
            assert!(matches!(method::field(one, "duration").unwrap(), Value::Duration(d) if d.0 > 0));
        }
        // At once, but not more than so many.
        let most = Arc::new(std::sync::Mutex::new((0_usize, 0_usize)));
        let shared = most.clone();
        let web = Web::start(move |_| {
            let mut now = shared.lock().unwrap();
            now.0 += 1;
            now.1 = now.1.max(now.0);
            drop(now);
            std::thread::sleep(Duration::from_millis(20));
            shared.lock().unwrap().0 -= 1;
            answer("200 OK", "")
        });
        let site = base(&web, &[]);
        send(&http, &sample(&site, "/x", 24, 4)).await.result.unwrap();
        assert_eq!((most.lock().unwrap().1, web.count()), (4, 24));
        // Nobody there is an answer too.
        let closed = format!("http://127.0.0.1:{}", crate::lab::free_port());
        let nobody = connection(ConnKind::Http, &[("base", Value::str(closed))]);
        let samples = send(&http, &sample(&nobody, "/x", 2, 1)).await.result.unwrap();
        let Value::List(samples) = samples else { panic!("a list") };
        assert_eq!(method::field(&samples[0], "status").unwrap(), Value::Null);
        for (requests, at_once) in [(0, 1), (100_001, 1), (1, 0), (1, 257)] {
            assert!(said(&send(&http, &sample(&site, "/x", requests, at_once)).await).starts_with("None value: `"));
        }
    });
}
