// Package contract is the contract (../../../contract.ts) on Go's side: tasks in, answers out, one
// after the other.
package contract

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"os"
	"runtime/debug"
	"sort"
	"strings"
	"sync"
	"time"
)

const (
	SessionTimeout    = 6 * time.Second
	HeartbeatInterval = 300 * time.Millisecond
	RebalanceTimeout  = 10 * time.Second
	FetchWait         = 200 * time.Millisecond
	CommitInterval    = 200 * time.Millisecond
	// TaskTimeout is when a task is given up.
	TaskTimeout = 40 * time.Second

	lineBytesMax = 16 << 20
)

type Task struct {
	ID              int
	Verb            string
	Broker          string
	TLS             bool
	CaFile          string
	CertFile        string
	KeyFile         string
	Mechanism       string
	User            string
	Password        string
	Token           string
	Topic           string
	Values          []string
	Codec           string
	Idempotent      bool
	TransactionalID string
	Commits         bool
	Count           int
	Offset          int64
	TimeMs          int64
	Committed       bool
	Target          string
	Group           string
	Protocol        string
	Member          string
}

type Client interface {
	Produce(task Task) error
	Consume(task Task) ([]string, error)
	// Join answers how the member leaves.
	Join(task Task, member *Member) (leave func() error, err error)
}

// Copier is a client that can commit a group's offsets in a transaction.
type Copier interface {
	Copy(task Task) ([]string, error)
}

// Member tells what a member of a group holds and reads.
type Member struct {
	name string
	mu   sync.Mutex
	held map[int32]bool
}

func (m *Member) Assigned(partitions []int32) { m.change(partitions, true) }

func (m *Member) Revoked(partitions []int32) { m.change(partitions, false) }

func (m *Member) Read(value []byte) {
	say(map[string]any{"member": m.name, "read": string(value)})
}

func (m *Member) change(partitions []int32, held bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, partition := range partitions {
		if held {
			m.held[partition] = true
		} else {
			delete(m.held, partition)
		}
	}
	all := []int{}
	for partition := range m.held {
		all = append(all, int(partition))
	}
	sort.Ints(all)
	say(map[string]any{"member": m.name, "assigned": all})
}

// Serve runs what comes on standard input. The version is the one that the module was built with.
func Serve(module string, client Client) {
	leaves := map[string]func() error{}
	say(map[string]any{"version": versionOf(module)})
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, lineBytesMax)
	for lines.Scan() {
		var task Task
		answer := map[string]any{}
		err := json.Unmarshal(lines.Bytes(), &task)
		answer["id"] = task.ID
		switch task.Verb {
		case "produce":
			err = client.Produce(task)
		case "consume":
			answer["values"], err = client.Consume(task)
		case "copy":
			answer["values"], err = client.(Copier).Copy(task)
		case "join":
			member := &Member{name: task.Member, held: map[int32]bool{}}
			leaves[task.Member], err = client.Join(task, member)
		case "leave":
			err = leaves[task.Member]()
		}
		if err != nil {
			answer["error"] = err.Error()
		}
		say(answer)
	}
}

// TLSConfig answers nil where the task comes without TLS.
func TLSConfig(task Task) (*tls.Config, error) {
	if !task.TLS {
		return nil, nil
	}
	pem, err := os.ReadFile(task.CaFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	config := &tls.Config{RootCAs: roots, ServerName: "localhost"}
	if task.CertFile != "" {
		own, err := tls.LoadX509KeyPair(task.CertFile, task.KeyFile)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{own}
	}
	return config, nil
}

func versionOf(module string) string {
	info, _ := debug.ReadBuildInfo()
	for _, dependency := range info.Deps {
		if dependency.Path == module {
			return strings.TrimPrefix(dependency.Version, "v")
		}
	}
	return "unknown"
}

var out sync.Mutex

func say(line any) {
	out.Lock()
	defer out.Unlock()
	json.NewEncoder(os.Stdout).Encode(line)
}
