// segmentio/kafka-go. Its group is the ConsumerGroup, since a Reader does not tell what it holds.
package main

import (
	"context"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"tributary.test/kafka-matrix/contract"
)

var codecs = map[string]kafka.Compression{
	"none":   0,
	"gzip":   kafka.Gzip,
	"snappy": kafka.Snappy,
	"lz4":    kafka.Lz4,
	"zstd":   kafka.Zstd,
}

type client struct{}

func main() { contract.Serve("github.com/segmentio/kafka-go", client{}) }

func loginOf(task contract.Task) (sasl.Mechanism, error) {
	switch task.Mechanism {
	case "PLAIN":
		return plain.Mechanism{Username: task.User, Password: task.Password}, nil
	case "SCRAM-SHA-256":
		return scram.Mechanism(scram.SHA256, task.User, task.Password)
	case "SCRAM-SHA-512":
		return scram.Mechanism(scram.SHA512, task.User, task.Password)
	default:
		return nil, nil
	}
}

func dialerOf(task contract.Task) (*kafka.Dialer, error) {
	login, err := loginOf(task)
	if err != nil {
		return nil, err
	}
	tlsConfig, err := contract.TLSConfig(task)
	return &kafka.Dialer{SASLMechanism: login, TLS: tlsConfig, Timeout: 10 * time.Second}, err
}

func (client) Produce(task contract.Task) error {
	dialer, err := dialerOf(task)
	if err != nil {
		return err
	}
	writer := &kafka.Writer{
		Addr:         kafka.TCP(task.Broker),
		Topic:        task.Topic,
		RequiredAcks: kafka.RequireAll,
		Compression:  codecs[task.Codec],
		BatchTimeout: 10 * time.Millisecond,
		BatchSize:    1000,
		Transport:    &kafka.Transport{SASL: dialer.SASLMechanism, TLS: dialer.TLS},
	}
	defer writer.Close()
	ctx, cancel := context.WithTimeout(context.Background(), contract.TaskTimeout)
	defer cancel()
	messages := []kafka.Message{}
	for _, value := range task.Values {
		messages = append(messages, kafka.Message{Value: []byte(value)})
	}
	return writer.WriteMessages(ctx, messages...)
}

func (client) Consume(task contract.Task) ([]string, error) {
	isolation := kafka.ReadUncommitted
	if task.Committed {
		isolation = kafka.ReadCommitted
	}
	reader, err := readerOf(task, 0, isolation)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	ctx, cancel := context.WithTimeout(context.Background(), contract.TaskTimeout)
	defer cancel()
	if task.TimeMs >= 0 {
		err = reader.SetOffsetAt(ctx, time.UnixMilli(task.TimeMs))
	} else {
		err = reader.SetOffset(task.Offset)
	}
	values := []string{}
	for err == nil && len(values) < task.Count {
		var message kafka.Message
		if message, err = reader.ReadMessage(ctx); err == nil {
			values = append(values, string(message.Value))
		}
	}
	return values, err
}

func readerOf(
	task contract.Task,
	partition int,
	isolation kafka.IsolationLevel,
) (*kafka.Reader, error) {
	dialer, err := dialerOf(task)
	if err != nil {
		return nil, err
	}
	return kafka.NewReader(kafka.ReaderConfig{
		Brokers:        []string{task.Broker},
		Dialer:         dialer,
		Topic:          task.Topic,
		Partition:      partition,
		IsolationLevel: isolation,
		MaxWait:        contract.FetchWait,
	}), nil
}

func (client) Join(task contract.Task, member *contract.Member) (func() error, error) {
	dialer, err := dialerOf(task)
	if err != nil {
		return nil, err
	}
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID:                task.Group,
		Brokers:           []string{task.Broker},
		Dialer:            dialer,
		Topics:            []string{task.Topic},
		HeartbeatInterval: contract.HeartbeatInterval,
		SessionTimeout:    contract.SessionTimeout,
		RebalanceTimeout:  contract.RebalanceTimeout,
		StartOffset:       kafka.FirstOffset,
	})
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			generation, err := group.Next(context.Background())
			if err == kafka.ErrGroupClosed {
				return
			}
			if err == nil {
				follow(task, generation, member)
			}
		}
	}()
	return group.Close, nil
}

// follow reads what this generation holds, until it ends.
func follow(task contract.Task, generation *kafka.Generation, member *contract.Member) {
	held := []int32{}
	for _, assignment := range generation.Assignments[task.Topic] {
		held = append(held, int32(assignment.ID))
		generation.Start(func(ctx context.Context) { read(ctx, task, generation, assignment, member) })
	}
	member.Assigned(held)
	generation.Start(func(ctx context.Context) {
		<-ctx.Done()
		member.Revoked(held)
	})
}

func read(
	ctx context.Context,
	task contract.Task,
	generation *kafka.Generation,
	assignment kafka.PartitionAssignment,
	member *contract.Member,
) {
	reader, err := readerOf(task, assignment.ID, kafka.ReadUncommitted)
	if err != nil {
		return
	}
	defer reader.Close()
	reader.SetOffset(assignment.Offset)
	for {
		message, err := reader.ReadMessage(ctx)
		if err != nil {
			return
		}
		member.Read(message.Value)
		next := map[int]int64{assignment.ID: message.Offset + 1}
		generation.CommitOffsets(map[string]map[int]int64{task.Topic: next})
	}
}
