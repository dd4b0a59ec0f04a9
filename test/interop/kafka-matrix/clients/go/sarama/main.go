// sarama.
package main

import (
	"context"
	"errors"
	"time"

	"github.com/IBM/sarama"

	"tributary.test/kafka-matrix/contract"
)

var codecs = map[string]sarama.CompressionCodec{
	"none":   sarama.CompressionNone,
	"gzip":   sarama.CompressionGZIP,
	"snappy": sarama.CompressionSnappy,
	"lz4":    sarama.CompressionLZ4,
	"zstd":   sarama.CompressionZSTD,
}

type client struct{}

func main() { contract.Serve("github.com/IBM/sarama", client{}) }

func configOf(task contract.Task) (*sarama.Config, error) {
	tlsConfig, err := contract.TLSConfig(task)
	config := sarama.NewConfig()
	config.ClientID = "matrix"
	config.Version = sarama.MaxVersion
	config.Net.TLS.Enable = task.TLS
	config.Net.TLS.Config = tlsConfig
	if task.Mechanism != "" {
		config.Net.SASL.Enable = true
		config.Net.SASL.Mechanism = sarama.SASLMechanism(task.Mechanism)
		config.Net.SASL.User = task.User
		config.Net.SASL.Password = task.Password
		config.Net.SASL.TokenProvider = token(task.Token)
		config.Net.SASL.SCRAMClientGeneratorFunc = scramOf(task.Mechanism)
	}
	return config, err
}

func producerOf(task contract.Task) (sarama.SyncProducer, error) {
	config, err := configOf(task)
	if err != nil {
		return nil, err
	}
	config.Producer.Return.Successes = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.Compression = codecs[task.Codec]
	config.Producer.Idempotent = task.Idempotent || task.TransactionalID != ""
	config.Producer.Transaction.ID = task.TransactionalID
	// Sarama keeps the order of records by this alone, and asks for it where it is idempotent.
	config.Net.MaxOpenRequests = 1
	return sarama.NewSyncProducer([]string{task.Broker}, config)
}

func (client) Produce(task contract.Task) error {
	producer, err := producerOf(task)
	if err != nil {
		return err
	}
	defer producer.Close()
	transactional := task.TransactionalID != ""
	if transactional {
		if err := producer.BeginTxn(); err != nil {
			return err
		}
	}
	messages := []*sarama.ProducerMessage{}
	for _, value := range task.Values {
		messages = append(messages, &sarama.ProducerMessage{
			Topic: task.Topic,
			Value: sarama.StringEncoder(value),
		})
	}
	if err := producer.SendMessages(messages); err != nil {
		return err
	}
	switch {
	case !transactional:
		return nil
	case task.Commits:
		return producer.CommitTxn()
	default:
		return producer.AbortTxn()
	}
}

func (client) Consume(task contract.Task) ([]string, error) {
	config, err := configOf(task)
	if err != nil {
		return nil, err
	}
	config.Consumer.MaxWaitTime = contract.FetchWait
	if task.Committed {
		config.Consumer.IsolationLevel = sarama.ReadCommitted
	}
	client, err := sarama.NewClient([]string{task.Broker}, config)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	offset := task.Offset
	if task.TimeMs >= 0 {
		if offset, err = client.GetOffset(task.Topic, 0, task.TimeMs); err != nil {
			return nil, err
		}
	}
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	partition, err := consumer.ConsumePartition(task.Topic, 0, offset)
	if err != nil {
		return nil, err
	}
	defer partition.Close()
	values := []string{}
	late := time.After(contract.TaskTimeout)
	for len(values) < task.Count {
		select {
		case message := <-partition.Messages():
			values = append(values, string(message.Value))
		case <-late:
			return values, errors.New("not everything came")
		}
	}
	return values, nil
}

func (client) Join(task contract.Task, member *contract.Member) (func() error, error) {
	config, err := configOf(task)
	if err != nil {
		return nil, err
	}
	config.Consumer.MaxWaitTime = contract.FetchWait
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Interval = contract.CommitInterval
	config.Consumer.Group.Session.Timeout = contract.SessionTimeout
	config.Consumer.Group.Heartbeat.Interval = contract.HeartbeatInterval
	config.Consumer.Group.Rebalance.Timeout = contract.RebalanceTimeout
	group, err := sarama.NewConsumerGroup([]string{task.Broker}, task.Group, config)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for ctx.Err() == nil {
			group.Consume(ctx, []string{task.Topic}, handler{task.Topic, member})
		}
	}()
	return func() error {
		cancel()
		return group.Close()
	}, nil
}

type handler struct {
	topic  string
	member *contract.Member
}

func (h handler) Setup(session sarama.ConsumerGroupSession) error {
	h.member.Assigned(session.Claims()[h.topic])
	return nil
}

func (h handler) Cleanup(session sarama.ConsumerGroupSession) error {
	h.member.Revoked(session.Claims()[h.topic])
	return nil
}

func (h handler) ConsumeClaim(
	session sarama.ConsumerGroupSession,
	claim sarama.ConsumerGroupClaim,
) error {
	for message := range claim.Messages() {
		h.member.Read(message.Value)
		session.MarkMessage(message, "")
	}
	return nil
}
