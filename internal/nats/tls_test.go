package nats

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// authority is a certificate authority of the test; its files lie in folder.
type authority struct {
	folder string
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{folder: t.TempDir()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert, a.key = a.issue(t, "ca", template)
	return a
}

// issue writes name.pem and name.key, signed by the authority, or by the new key itself for the authority.
func (a *authority) issue(t *testing.T, name string, form *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = form, key
	}
	der, err := x509.CreateCertificate(rand.Reader, form, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{
		a.path(name + ".pem"): {Type: "CERTIFICATE", Bytes: der},
		a.path(name + ".key"): {Type: "PRIVATE KEY", Bytes: raw},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func (a *authority) path(name string) string { return filepath.Join(a.folder, name) }

// A broker that asks for certificates: ours is shown, its authority is checked.
func TestConnectByTLS(t *testing.T) {
	ca := newAuthority(t)
	leaf := func(name string, usage x509.ExtKeyUsage) {
		ca.issue(t, name, &x509.Certificate{
			SerialNumber: big.NewInt(time.Now().UnixNano()), NotAfter: time.Now().Add(time.Hour),
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{usage},
		})
	}
	leaf("broker", x509.ExtKeyUsageServerAuth)
	leaf("postern", x509.ExtKeyUsageClientAuth)
	pair, err := tls.LoadX509KeyPair(ca.path("broker.pem"), ca.path("broker.key"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	broker, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(),
		TLS: true, TLSVerify: true, TLSTimeout: 5,
		TLSConfig: &tls.Config{
			Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	broker.Start()
	t.Cleanup(func() { broker.Shutdown(); broker.WaitForShutdown() })
	if !broker.ReadyForConnections(patience) {
		t.Fatal("the broker is not ready")
	}

	config := Config{
		URL: "tls://" + broker.Addr().String(), MaxBytes: 10 << 20,
		CA: ca.path("ca.pem"), Cert: ca.path("postern.pem"), Key: ca.path("postern.key"),
	}
	bus, err := Connect(t.Context(), config, quiet())
	if err != nil {
		t.Fatal(err)
	}
	publish(t, bus, event("1", "1"))
	bus.Close()

	for name, broken := range map[string]func(*Config){
		"authority unknown": func(c *Config) { c.CA = "" },
		"nothing to show":   func(c *Config) { c.Cert, c.Key = "", "" },
		"no such file":      func(c *Config) { c.CA = "no-such.pem" },
		"no such creds":     func(c *Config) { c.Creds = "no-such.creds" },
	} {
		t.Run(name, func(t *testing.T) {
			wrong := config
			broken(&wrong)
			bus, err := Connect(t.Context(), wrong, quiet())
			if err == nil {
				bus.Close()
				t.Fatal("it connected")
			}
			if !strings.HasPrefix(err.Error(), "connect to NATS") {
				t.Errorf("the error is %q", err)
			}
		})
	}
}
