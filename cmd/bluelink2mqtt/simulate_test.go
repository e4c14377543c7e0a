package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// runSimulate runs the command with flags and returns what it printed.
func runSimulate(ctx context.Context, out io.Writer, args ...string) error {
	cmd := newSimulateCommand()
	cmd.SetArgs(args)
	cmd.SetOut(out)
	cmd.SetErr(io.Discard)
	return cmd.ExecuteContext(ctx)
}

func TestSimulate_ListIsOneObjectALine(t *testing.T) {
	var out bytes.Buffer
	if err := runSimulate(t.Context(), &out, "--list", "--json", "--cars", "2", "--seed", "7"); err != nil {
		t.Fatal(err)
	}
	accounts, vehicles, served := 0, 0, map[string]bool{}
	lines := bufio.NewScanner(&out)
	for lines.Scan() {
		var line struct {
			Type, Region, Brand, Email, Password, PIN, VIN, ID, Protocol, Engine string
			RefreshToken                                                         string `json:"refresh_token"`
			Hosts                                                                []string
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		switch line.Type {
		case "account":
			accounts++
			if len(line.Hosts) == 0 {
				t.Errorf("no hosts: %s", lines.Text())
			}
			served[line.Region+" "+line.Brand] = true
			// Genesis in the USA has a name of its own, at the host of Hyundai.
			email := map[string]string{"us genesis": "demo+genesis@example.com"}[line.Region+" "+line.Brand]
			if !regexp.MustCompile(`^[A-Z0-9]{48}$`).MatchString(line.RefreshToken) || line.Email != cmp.Or(email, "demo@example.com") || line.Password != "demo" || line.PIN != "1234" {
				t.Errorf("%s", lines.Text())
			}
		case "vehicle":
			vehicles++
			if len(line.VIN) != 17 || line.ID == "" || line.Protocol == "" || line.Engine != "EV" {
				t.Errorf("%s", lines.Text())
			}
		}
	}
	if vehicles != 2*accounts {
		t.Errorf("%d accounts, %d vehicles", accounts, vehicles)
	}
	for _, account := range []string{
		"eu hyundai", "eu kia", "eu genesis", "au hyundai", "au kia", "nz kia", "in hyundai", "in kia", "cn hyundai", "cn kia", "br hyundai",
	} {
		if !served[account] {
			t.Errorf("no account of %s", account)
		}
	}
}

func TestSimulate_ListIsATable(t *testing.T) {
	var out bytes.Buffer
	if err := runSimulate(t.Context(), &out, "--list"); err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"REFRESH TOKEN", "demo@example.com", "api.owners.kia.com", "mybluelink.ca", "PROTOCOL", "ccs2", "flat", "PHEV", "ICE"} {
		if !strings.Contains(out.String(), word) {
			t.Errorf("no %s in\n%s", word, out.String())
		}
	}
}

func TestSimulate_ServesUntilItIsStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	read, write := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := runSimulate(ctx, write, "--listen", "127.0.0.1:0", "--cars", "1", "--fault", "silent,path=/never")
		_ = write.Close()
		ended <- err
	}()
	lines := bufio.NewReader(read)
	first, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address := regexp.MustCompile(`http://[0-9.]+:[0-9]+`).FindString(first)
	go func() { _, _ = io.Copy(io.Discard, lines) }() // ends when the command ends

	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/auth/api/v1/accounts/certs", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "idpconnect-eu.hyundai.com"
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK || !strings.Contains(string(body), "retValue") {
		t.Errorf("%d %s", response.StatusCode, body)
	}

	// A call that never ends must not hold up the end.
	request, err = http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/never", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "idpconnect-eu.hyundai.com"
	hung := make(chan struct{})
	go func() {
		defer close(hung)
		if response, err := client.Do(request); err == nil {
			_ = response.Body.Close()
		}
	}()
	stop()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	<-hung
}

func TestSimulate_SaysWhatToDoWhenThePortIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	err = runSimulate(t.Context(), io.Discard, "--listen", taken.Addr().String())
	if err == nil || !strings.Contains(err.Error(), "--listen 127.0.0.1:0") {
		t.Errorf("%v", err)
	}
}

func TestSimulate_RefusesNonsense(t *testing.T) {
	for want, args := range map[string][]string{
		"time scale":          {"--time-scale", "0.00001"},
		"known are slow":      {"--fault", "nonsense"},
		"no such file":        {"--replay", "eu_kia_nothing.json"},
		"unexpected argument": {"stray"},
		"cars":                {"--cars", "-2"},
	} {
		err := runSimulate(t.Context(), io.Discard, append(args, "--list")...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
}
