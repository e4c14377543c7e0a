package clouds_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/clouds"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/cloudtest"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestOpen_OpensEveryCloudThatIsSupported(t *testing.T) {
	supported := clouds.Supported()
	if len(supported) < 3 {
		t.Fatalf("supported: %v", supported)
	}
	for _, s := range supported {
		cloud, err := clouds.Open(bluelink.Account{Region: s.Region, Brand: s.Brand, Username: "a@example.com", Password: "b"})
		if err != nil || cloud == nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func TestOpen_SaysWhatIsServed(t *testing.T) {
	_, err := clouds.Open(bluelink.Account{Region: vehicle.NewZealand, Brand: vehicle.Genesis, Username: "a@example.com", Password: "b"})
	if !errors.Is(err, bluelink.ErrUnsupported) {
		t.Fatalf("error %v", err)
	}
	for _, part := range []string{"genesis-nz", "hyundai-eu", "kia-eu", "genesis-eu"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not name %s", err, part)
		}
	}
	if _, err := clouds.Open(bluelink.Account{Region: vehicle.Europe, Brand: vehicle.Kia, Username: "a", Password: "b"}, bluelink.WithCloudURL("nowhere")); err == nil {
		t.Error("a wrong option is overlooked")
	}
}

func TestDecode_ReadsRecordingsOfTheFamily(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join("..", "..", "..", "shared", "fixtures", "status", "*.json"))
	if len(files) == 0 {
		t.Skip("no recorded answers beside the repository, in shared/fixtures")
	}
	for _, file := range files {
		parts := strings.SplitN(filepath.Base(file), "_", 3)
		region, err := vehicle.ParseRegion(parts[0])
		if err != nil {
			t.Fatal(err)
		}
		brand, err := vehicle.ParseBrand(parts[1])
		if err != nil {
			t.Fatal(err)
		}
		payload, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		protocol := "flat"
		if strings.Contains(parts[2], "ccs2") {
			protocol = "ccs2"
		}
		report, err := clouds.Decode(region, brand, protocol, vehicle.EngineUnknown, payload)
		if errors.Is(err, bluelink.ErrUnsupported) {
			if slices.Contains(clouds.Supported(), clouds.Service{Region: region, Brand: brand}) {
				t.Errorf("%s: %v, but the cloud is supported", filepath.Base(file), err)
			}
			continue
		}
		if err != nil || len(report.Observations) < 30 {
			t.Errorf("%s: %d observations, %v", filepath.Base(file), len(report.Observations), err)
		}
	}
}

// TestReadme_ListsTheCloudsThatCanBeOpened holds the columns of the table that the suite writes.
func TestReadme_ListsTheCloudsThatCanBeOpened(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	listed, err := cloudtest.Services(string(page))
	if err != nil {
		t.Fatal(err)
	}
	var supported []string
	for _, s := range clouds.Supported() {
		supported = append(supported, s.String())
	}
	slices.Sort(listed)
	if slices.Sort(supported); !slices.Equal(listed, supported) {
		t.Errorf("README.md has columns for %v; what can be opened is %v: join bluelink/cloudtest and run it with -update", listed, supported)
	}
}
