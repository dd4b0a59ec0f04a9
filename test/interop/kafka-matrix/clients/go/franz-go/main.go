// franz-go.
package main

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"tributary.test/kafka-matrix/contract"
)

var codecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

type client struct{}

func main() { contract.Serve("github.com/twmb/franz-go", client{}) }

func connect(task contract.Task, options ...kgo.Opt) (*kgo.Client, error) {
	connection, err := connectionOf(task)
	if err != nil {
		return nil, err
	}
	return kgo.NewClient(append(connection, options...)...)
}

func connectionOf(task contract.Task) ([]kgo.Opt, error) {
	tlsConfig, err := contract.TLSConfig(task)
	if err != nil {
		return nil, err
	}
	options := []kgo.Opt{kgo.SeedBrokers(task.Broker)}
	if tlsConfig != nil {
		options = append(options, kgo.DialTLSConfig(tlsConfig))
	}
	secret := scram.Auth{User: task.User, Pass: task.Password}
	switch task.Mechanism {
	case "PLAIN":
		options = append(options, kgo.SASL(plain.Auth{User: task.User, Pass: task.Password}.AsMechanism()))
	case "SCRAM-SHA-256":
		options = append(options, kgo.SASL(secret.AsSha256Mechanism()))
	case "SCRAM-SHA-512":
		options = append(options, kgo.SASL(secret.AsSha512Mechanism()))
	case "OAUTHBEARER":
		options = append(options, kgo.SASL(oauth.Auth{Token: task.Token}.AsMechanism()))
	}
	return options, nil
}

func (client) Produce(task contract.Task) error {
	options := []kgo.Opt{
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(codecs[task.Codec]),
	}
	transactional := task.TransactionalID != ""
	if transactional {
		options = append(options, kgo.TransactionalID(task.TransactionalID))
	} else if !task.Idempotent {
		options = append(options, kgo.DisableIdempotentWrite())
	}
	producer, err := connect(task, options...)
	if err != nil {
		return err
	}
	defer producer.Close()
	ctx, cancel := context.WithTimeout(context.Background(), contract.TaskTimeout)
	defer cancel()
	if transactional {
		if err := producer.BeginTransaction(); err != nil {
			return err
		}
	}
	records := []*kgo.Record{}
	for _, value := range task.Values {
		records = append(records, &kgo.Record{Topic: task.Topic, Value: []byte(value)})
	}
	if err := producer.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return err
	}
	if transactional {
		return producer.EndTransaction(ctx, kgo.TransactionEndTry(task.Commits))
	}
	return nil
}

func (client) Consume(task contract.Task) ([]string, error) {
	from := kgo.NewOffset().At(task.Offset)
	if task.TimeMs >= 0 {
		from = kgo.NewOffset().AfterMilli(task.TimeMs)
	}
	isolation := kgo.ReadUncommitted()
	if task.Committed {
		isolation = kgo.ReadCommitted()
	}
	consumer, err := connect(task,
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{task.Topic: {0: from}}),
		kgo.FetchIsolationLevel(isolation),
		kgo.FetchMaxWait(contract.FetchWait),
	)
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	ctx, cancel := context.WithTimeout(context.Background(), contract.TaskTimeout)
	defer cancel()
	values := []string{}
	for len(values) < task.Count {
		fetches := consumer.PollRecords(ctx, task.Count-len(values))
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		for _, record := range fetches.Records() {
			values = append(values, string(record.Value))
		}
	}
	return values, nil
}

func (client) Join(task contract.Task, member *contract.Member) (func() error, error) {
	change := func(tell func([]int32)) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
			tell(partitions[task.Topic])
		}
	}
	options := []kgo.Opt{
		kgo.ConsumerGroup(task.Group),
		kgo.ConsumeTopics(task.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.SessionTimeout(contract.SessionTimeout),
		kgo.RebalanceTimeout(contract.RebalanceTimeout),
		kgo.HeartbeatInterval(contract.HeartbeatInterval),
		kgo.AutoCommitInterval(contract.CommitInterval),
		kgo.FetchMaxWait(contract.FetchWait),
		kgo.OnPartitionsAssigned(change(member.Assigned)),
		kgo.OnPartitionsRevoked(change(member.Revoked)),
		kgo.OnPartitionsLost(change(member.Revoked)),
	}
	if task.Protocol == "consumer" {
		options = append(options, kgo.ServerSideBalancer(), kgo.Balancers(kgo.StickyBalancer()))
	}
	consumer, err := connect(task, options...)
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			fetches := consumer.PollFetches(context.Background())
			if fetches.IsClientClosed() {
				return
			}
			for _, record := range fetches.Records() {
				member.Read(record.Value)
			}
		}
	}()
	return func() error {
		closed := make(chan struct{})
		go func() { consumer.Close(); close(closed) }()
		select {
		case <-closed:
			return nil
		case <-time.After(contract.TaskTimeout):
			return errors.New("the member does not close")
		}
	}, nil
}
