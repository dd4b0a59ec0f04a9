//! A session of MQTT 5.

use rumqttc::v5::mqttbytes::qos;
use rumqttc::v5::mqttbytes::v5::{LastWill, Packet, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use rumqttc::{Outgoing, TlsConfiguration, Transport};

use crate::task::{Happened, Message, Session, Task, Verb, REQUESTS_MAX, SESSION_SECONDS};

pub struct Open {
    client: AsyncClient,
    events: EventLoop,
    qos: u8,
}

pub fn open(task: &Task) -> Open {
    let mut options = MqttOptions::new(&task.client_id, &task.host, task.port);
    options.set_clean_start(!task.persistent);
    if task.persistent {
        options.set_session_expiry_interval(Some(SESSION_SECONDS));
    }
    if let Some(ca) = task.ca.clone() {
        let tls = TlsConfiguration::Simple { ca, alpn: None, client_auth: None };
        options.set_transport(Transport::Tls(tls));
    }
    if task.verb == Verb::Die {
        let will = qos(task.qos).expect("a QoS");
        let (topic, payload) = (task.topic.clone(), task.payload.clone());
        options.set_last_will(LastWill::new(topic, payload, will, task.retain, None));
    }
    let (client, events) = AsyncClient::new(options, REQUESTS_MAX);
    Open { client, events, qos: task.qos }
}

impl Session for Open {
    async fn next(&mut self) -> Result<Happened, String> {
        let event = self.events.poll().await.map_err(|error| error.to_string())?;
        Ok(match event {
            Event::Incoming(Packet::ConnAck(_)) => Happened::Connected,
            Event::Incoming(Packet::SubAck(ack)) => Happened::Subscribed(
                ack.return_codes
                    .iter()
                    .all(|code| matches!(code, SubscribeReasonCode::Success(_))),
            ),
            Event::Incoming(Packet::PubAck(_) | Packet::PubComp(_)) => Happened::Published,
            Event::Outgoing(Outgoing::Publish(_)) if self.qos == 0 => Happened::Published,
            Event::Incoming(Packet::Publish(publish)) => Happened::Message(Message {
                topic: String::from_utf8_lossy(&publish.topic).into_owned(),
                payload: publish.payload.to_vec(),
                qos: publish.qos as u8,
                retain: publish.retain,
            }),
            _ => Happened::Other,
        })
    }

    async fn publish(&mut self, task: &Task) -> Result<(), String> {
        let qos = qos(task.qos).expect("a QoS");
        let (topic, payload) = (task.topic.clone(), task.payload.clone());
        let sent = self.client.publish(topic, qos, task.retain, payload).await;
        sent.map_err(|error| error.to_string())
    }

    async fn subscribe(&mut self, task: &Task) -> Result<(), String> {
        let qos = qos(task.qos).expect("a QoS");
        let sent = self.client.subscribe(&task.topic, qos).await;
        sent.map_err(|error| error.to_string())
    }

    async fn disconnect(&mut self) -> Result<(), String> {
        self.client.disconnect().await.map_err(|error| error.to_string())
    }
}
