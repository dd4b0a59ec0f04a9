package main

import (
	"context"
	"fmt"

	"github.com/IBM/sarama"

	"tributary.test/kafka-matrix/contract"
)

// Copy is one session of the group, which ends with the transaction.
func (client) Copy(task contract.Task) ([]string, error) {
	config, err := configOf(task)
	if err != nil {
		return nil, err
	}
	config.Consumer.MaxWaitTime = contract.FetchWait
	config.Consumer.IsolationLevel = sarama.ReadCommitted
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.Group.Session.Timeout = contract.SessionTimeout
	group, err := sarama.NewConsumerGroup([]string{task.Broker}, task.Group, config)
	if err != nil {
		return nil, err
	}
	defer group.Close()
	producer, err := producerOf(task)
	if err != nil {
		return nil, err
	}
	defer producer.Close()
	ctx, cancel := context.WithTimeout(context.Background(), contract.TaskTimeout)
	defer cancel()
	copying := &copier{task: task, producer: producer, done: cancel}
	err = group.Consume(ctx, []string{task.Topic}, copying)
	if copying.err != nil {
		err = copying.err
	}
	return copying.values, err
}

// copier is a sarama.ConsumerGroupHandler.
type copier struct {
	task     contract.Task
	producer sarama.SyncProducer
	done     func()
	values   []string
	err      error
}

func (*copier) Setup(sarama.ConsumerGroupSession) error { return nil }

func (*copier) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (c *copier) ConsumeClaim(
	_ sarama.ConsumerGroupSession,
	claim sarama.ConsumerGroupClaim,
) error {
	defer c.done()
	read := []*sarama.ConsumerMessage{}
	for message := range claim.Messages() {
		if read = append(read, message); len(read) == c.task.Count {
			c.err = c.transact(read)
			return nil
		}
	}
	c.err = fmt.Errorf("only %d came", len(read))
	return nil
}

func (c *copier) transact(read []*sarama.ConsumerMessage) error {
	if err := c.producer.BeginTxn(); err != nil {
		return err
	}
	messages := []*sarama.ProducerMessage{}
	for _, message := range read {
		value := sarama.ByteEncoder(message.Value)
		messages = append(messages, &sarama.ProducerMessage{Topic: c.task.Target, Value: value})
		c.values = append(c.values, string(message.Value))
	}
	if err := c.producer.SendMessages(messages); err != nil {
		return err
	}
	if err := c.producer.AddMessageToTxn(read[len(read)-1], c.task.Group, nil); err != nil {
		return err
	}
	if c.task.Commits {
		return c.producer.CommitTxn()
	}
	return c.producer.AbortTxn()
}
