package sim

import (
	"strings"
	"testing"
)

// The vectors of docs/protocol/europe.md §1.4, for 1700000000 s and 1700000000000 ms.
var stampVectors = []struct {
	brand           string
	seconds, millis string
}{
	{"kia", "oYa3/zyroR0vT6ZgagTzPJcFq9FRkgRPjU5ih3eFC/Og5gc/7ggOgH3KR8bB1ME=", "oYa3/zyroR0vT6ZgagTzPJcFq9FRkgRPjU5ih3eFC/Og5gc/7ggOgH3KR8bB1MF8Xas="},
	{"hyundai", "dGpcIp3dP0dLfkNRUItk/sCdmouaEMW4JAlLv76lGxrWLqMbn3rSYiqWOyDGh9A=", "dGpcIp3dP0dLfkNRUItk/sCdmouaEMW4JAlLv76lGxrWLqMbn3rSYiqWOyDGh9DK1RQ="},
	{"genesis", "ImpZIJ2NNURLI0cNUotk8b8G05h70TJzbvXLirZ/QKkhptv+KoiKqdxfjhBUzpo=", "ImpZIJ2NNURLI0cNUotk8b8G05h70TJzbvXLirZ/QKkhptv+KoiKqdxfjhBUzpq4l7A="},
}

func TestStamp_VectorsOfTheProtocolPage(t *testing.T) {
	rows := map[string]europe{"kia": europeKia, "hyundai": europeHyundai, "genesis": europeGenesis}
	for _, v := range stampVectors {
		row := rows[v.brand]
		if got := makeStamp(row.stampKeys[0], row.appIDs[0], "1700000000"); got != v.seconds {
			t.Errorf("%s in seconds: %s, want %s", v.brand, got, v.seconds)
		}
		if got := makeStamp(row.stampKeys[0], row.appIDs[0], "1700000000000"); got != v.millis {
			t.Errorf("%s in milliseconds: %s, want %s", v.brand, got, v.millis)
		}
		for _, stamp := range []string{v.seconds, v.millis} {
			if !verifyStamp(stamp, row.stampKeys[0], row.appIDs) {
				t.Errorf("%s: %s is refused", v.brand, stamp)
			}
			for brand, other := range rows {
				if brand != v.brand && verifyStamp(stamp, other.stampKeys[0], other.appIDs) {
					t.Errorf("%s takes a stamp of %s", brand, v.brand)
				}
			}
		}
	}
}

func TestStamp_OtherKeysLastBytesAreTaken(t *testing.T) {
	// One client's key for Kia ends in 41 e5 instead of 6d 9b … in its last two bytes.
	key := []byte(europeKia.stampKeys[0])
	key[48], key[49] = 0x41, 0xe5
	if stamp := makeStamp(string(key), europeKia.appIDs[0], "1700000000999"); !verifyStamp(stamp, europeKia.stampKeys[0], europeKia.appIDs) {
		t.Error("the other key's stamp is refused")
	}
	if stamp := makeStamp(europeHyundai.stampKeys[0], "1eba27d2-9a5b-4eba-8ec7-97eb6c62fb51", "1700000000"); !verifyStamp(stamp, europeHyundai.stampKeys[0], europeHyundai.appIDs) {
		t.Error("the older application id of Hyundai is refused")
	}
}

func TestStamp_NonsenseIsRefused(t *testing.T) {
	for _, stamp := range []string{
		"", "=", "AAAA", strings.Repeat("A", 64), strings.Repeat("A", 4096),
		makeStamp(europeKia.stampKeys[0], europeKia.appIDs[0], "17000000x0"),
		makeStamp(europeKia.stampKeys[0], europeKia.appIDs[0], "1700000"),
		makeStamp(europeKia.stampKeys[0], europeHyundai.appIDs[0], "1700000000"),
	} {
		if verifyStamp(stamp, europeKia.stampKeys[0], europeKia.appIDs) {
			t.Errorf("%q is taken", stamp)
		}
	}
}
