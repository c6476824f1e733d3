//! One request as Rust's clients send it: clients CLIENT URL CERTIFICATE. Prints the version.

use std::error::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, what, url, certificate] = &arguments[..] else {
        return Err("clients CLIENT URL CERTIFICATE".into());
    };
    let url = format!("{url}/v1/chat/completions");
    let body = serde_json::json!({
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": "hello"}],
    });
    let pem = std::fs::read(certificate)?;
    if what == "year" {
        let trusted = reqwest_year::Certificate::from_pem(&pem)?;
        let client = reqwest_year::Client::builder()
            .user_agent("reqwest/0.12.24")
            .add_root_certificate(trusted)
            .build()?;
        let request = client.post(url).bearer_auth("sk-dummy").json(&body);
        request.send().await?.error_for_status()?;
        println!("reqwest 0.12.24; rustls with ring");
        return Ok(());
    }
    let trusted = reqwest::Certificate::from_pem(&pem)?;
    let builder = reqwest::Client::builder()
        .user_agent("reqwest/0.13.5")
        .add_root_certificate(trusted);
    let (builder, with) = match what.as_str() {
        "native" => (
            builder.tls_backend_native(),
            "native-tls, the system's OpenSSL",
        ),
        "http1" => (
            builder.tls_backend_rustls().http1_only(),
            "rustls with aws-lc-rs",
        ),
        _ => (builder.tls_backend_rustls(), "rustls with aws-lc-rs"),
    };
    let request = builder
        .build()?
        .post(url)
        .bearer_auth("sk-dummy")
        .json(&body);
    request.send().await?.error_for_status()?;
    println!("reqwest 0.13.5; {with}");
    Ok(())
}
