package main

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kgo"

	"tributary.test/kafka-matrix/contract"
)

// Copy is by franz-go's own session of a group and its transactions.
func (client) Copy(task contract.Task) ([]string, error) {
	options, err := connectionOf(task)
	if err != nil {
		return nil, err
	}
	session, err := kgo.NewGroupTransactSession(append(options,
		kgo.TransactionalID(task.TransactionalID),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ConsumerGroup(task.Group),
		kgo.ConsumeTopics(task.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.SessionTimeout(contract.SessionTimeout),
		kgo.RebalanceTimeout(contract.RebalanceTimeout),
		kgo.FetchMaxWait(contract.FetchWait),
	)...)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	ctx, cancel := context.WithTimeout(context.Background(), contract.TaskTimeout)
	defer cancel()
	if err := session.Begin(); err != nil {
		return nil, err
	}
	values := []string{}
	for len(values) < task.Count {
		fetches := session.PollRecords(ctx, task.Count-len(values))
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		for _, read := range fetches.Records() {
			record := &kgo.Record{Topic: task.Target, Value: read.Value}
			if err := session.ProduceSync(ctx, record).FirstErr(); err != nil {
				return nil, err
			}
			values = append(values, string(read.Value))
		}
	}
	committed, err := session.End(ctx, kgo.TransactionEndTry(task.Commits))
	if err == nil && committed != task.Commits {
		err = errors.New("the transaction ended otherwise than asked")
	}
	return values, err
}
