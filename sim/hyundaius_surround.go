package sim

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"strconv"
	"sync"
)

// What the cameras around a car have seen (docs/protocol/usa-hyundai-genesis.md §6.4): cars
// of generation 3 have them (assumed).

// hyundaiUSLook is the command for it, the one whose answer has a body.
const hyundaiUSLook = "svm/findMyCarSVM"

// surroundKept is how many pictures the cloud keeps of a car (assumed).
const surroundKept = 5

func (v *car) hasCameras() bool { return v.model.generation >= 3 }

// surroundShape is the body that asks for a picture; everything in it stands in headers,
// too.
var surroundShape = shape{"vin": asText, "username": asText, "gen": asText, "blueLinkServicePin": asText}

// orderSurround lets the car look around. The PIN of the body is compared, but not counted
// as that of the header is.
func (h *hyundaiUS) orderSurround(c *call) (effect, *hyundaiUSFailure) {
	var ask struct {
		VIN string `json:"vin"`
		PIN string `json:"blueLinkServicePin"`
	}
	switch {
	case !c.car.hasCameras():
		return nil, &hyundaiUSUnsupported
	case !surroundShape.reads(c.body, &ask), ask.VIN != c.car.vin, ask.PIN != PIN:
		return nil, &hyundaiUSGeneric
	}
	return func(v *car) bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		seen := append([]body{v.body}, h.seen[v]...)
		h.seen[v] = seen[:min(len(seen), surroundKept)]
		return true
	}, nil
}

// surroundings are the pictures of a car, newest first. All numbers are texts.
func (h *hyundaiUS) surroundings(c *call) reply {
	if !c.car.hasCameras() {
		return hyundaiUSUnsupported.reply()
	}
	c.car.look(c.now)
	h.mu.Lock()
	seen := h.seen[c.car]
	h.mu.Unlock()
	list := make([]any, 0, len(seen))
	for i := range seen {
		list = append(list, map[string]any{"svmDetail": surroundDetail(&seen[i])})
	}
	return reply{status: http.StatusOK, body: marshal(map[string]any{"svmDetails": list})}
}

func surroundDetail(b *body) map[string]any {
	number := func(n float64, digits int) string { return strconv.FormatFloat(n, 'f', digits, 64) }
	doors := map[string]string{}
	for i, corner := range flatCorners {
		doors[corner] = "0"
		if b.doors[i] {
			doors[corner] = "1"
		}
	}
	size := make([]string, 0, len(surroundSize))
	for _, n := range surroundSize {
		size = append(size, strconv.Itoa(n))
	}
	return map[string]any{
		"svmImage": surroundPicture(), "imageSize": size, "doorOpen": doors,
		"trunkOpen": strconv.FormatBool(b.trunk), "sidemirrorOpen": "false",
		"gpsDetail": map[string]any{
			"coord": map[string]string{"lat": number(b.lat, 6), "lon": number(b.lon, 6), "alt": number(b.altitude, 0), "type": "0"},
			"head":  number(b.heading, 0), "speed": map[string]string{"value": number(miles(b.speedKmh), 0), "unit": "0"}, "time": utcCompact(b.at),
		},
	}
}

// surroundSize is the picture's width and height, those of each of the four cameras, and
// those of the view from above; a real one is eight times as large.
var surroundSize = [6]int{559, 90, 120, 90, 79, 90}

// surroundPicture is the same for all: the views beside each other, each of one colour.
var surroundPicture = sync.OnceValue(func() string {
	view := image.NewGray(image.Rect(0, 0, surroundSize[0], surroundSize[1]))
	for x := range surroundSize[0] {
		for y := range surroundSize[1] {
			view.SetGray(x, y, color.Gray{Y: uint8(40 + 40*(x/surroundSize[2]))})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, view, nil); err != nil {
		return "" // a picture in memory does not fail
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
})
