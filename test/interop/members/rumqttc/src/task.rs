//! What is to be done, and what can happen meanwhile, whichever version of MQTT it is.

use serde_json::{json, Value};

pub const SESSION_SECONDS: u32 = 3600;
/// What may wait to be sent: far more than a task has.
pub const REQUESTS_MAX: usize = 16;

#[derive(PartialEq)]
pub enum Verb {
    Publish,
    Receive,
    Die,
}

pub struct Task {
    pub verb: Verb,
    pub five: bool,
    pub host: String,
    pub port: u16,
    pub ca: Option<Vec<u8>>,
    pub client_id: String,
    pub persistent: bool,
    pub topic: String,
    pub payload: String,
    pub qos: u8,
    pub retain: bool,
    pub count: u64,
}

impl Task {
    pub fn from_json(text: &str) -> Task {
        let value: Value = serde_json::from_str(text).expect("a task as JSON");
        let string = |name: &str| value[name].as_str().unwrap_or_default().to_string();
        let ca_file = string("caFile");
        Task {
            verb: match value["verb"].as_str() {
                Some("publish") => Verb::Publish,
                Some("receive") => Verb::Receive,
                _ => Verb::Die,
            },
            five: value["protocol"] == "5",
            host: string("host"),
            port: value["port"].as_u64().unwrap_or_default() as u16,
            ca: (!ca_file.is_empty()).then(|| std::fs::read(ca_file).expect("the authority")),
            client_id: match string("clientId") {
                id if id.is_empty() => format!("rumqttc-{}", std::process::id()),
                id => id,
            },
            persistent: value["persistent"] == true,
            topic: string("topic"),
            payload: string("payload"),
            qos: value["qos"].as_u64().unwrap_or_default() as u8,
            retain: value["retain"] == true,
            count: value["count"].as_u64().unwrap_or_default(),
        }
    }
}

pub struct Message {
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: u8,
    pub retain: bool,
}

impl Message {
    pub fn say(&self) {
        let payload = String::from_utf8_lossy(&self.payload);
        let Message { topic, qos, retain, .. } = self;
        let line = json!({
            "said": "message", "topic": topic, "payload": payload, "qos": qos, "retain": retain,
        });
        println!("{line}");
    }
}

pub fn say(what: &str) {
    println!("{}", json!({ "said": what }));
}

pub enum Happened {
    Connected,
    /// Whether all of it was granted.
    Subscribed(bool),
    /// As far as its QoS goes: sent, PUBACK, or PUBCOMP.
    Published,
    Message(Message),
    Other,
}

#[allow(async_fn_in_trait)]
pub trait Session {
    async fn next(&mut self) -> Result<Happened, String>;
    async fn publish(&mut self, task: &Task) -> Result<(), String>;
    async fn subscribe(&mut self, task: &Task) -> Result<(), String>;
    async fn disconnect(&mut self) -> Result<(), String>;
}
