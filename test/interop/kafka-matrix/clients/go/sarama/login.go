package main

import (
	"github.com/IBM/sarama"
	"github.com/xdg-go/scram"
)

// token is a sarama.AccessTokenProvider that has one token.
type token string

func (t token) Token() (*sarama.AccessToken, error) {
	return &sarama.AccessToken{Token: string(t)}, nil
}

// conversation is a sarama.SCRAMClient: sarama leaves SCRAM itself to the application.
type conversation struct {
	hash scram.HashGeneratorFcn
	*scram.ClientConversation
}

func scramOf(mechanism string) func() sarama.SCRAMClient {
	hash := scram.SHA256
	if mechanism == sarama.SASLTypeSCRAMSHA512 {
		hash = scram.SHA512
	}
	return func() sarama.SCRAMClient { return &conversation{hash: hash} }
}

func (c *conversation) Begin(user, password, authorizationID string) error {
	client, err := c.hash.NewClient(user, password, authorizationID)
	if err == nil {
		c.ClientConversation = client.NewConversation()
	}
	return err
}
