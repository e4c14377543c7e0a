package sim

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// stampListHost serves ready-made stamps to clients that do not make their own
// (docs/protocol/europe.md §11.1).
const stampListHost = "raw.githubusercontent.com"

// stampEvery is how long one stamp of the list is meant to serve.
const stampEvery = 2 * time.Minute

// addStampList serves the list of every European brand under one host.
func (s *Sim) addStampList(c *cloud) {
	s.hosts[stampListHost] = newRouter(c, stampListHost, nil, []endpoint{
		{pattern: "GET /neoPix/bluelinky-stamps/master/{file}", kind: kindOther, handle: stampList},
	})
}

func stampList(c *call) reply {
	brand, appID, _ := strings.Cut(strings.TrimSuffix(c.r.PathValue("file"), ".v2.json"), "-")
	for _, e := range []europe{europeHyundai, europeKia, europeGenesis} {
		if e.brand != brand {
			continue
		}
		for _, known := range e.appIDs {
			if known != appID {
				continue
			}
			begin := c.now.Add(-time.Hour).Truncate(time.Second)
			stamps := make([]string, 12*60*60/int(stampEvery/time.Second))
			for i := range stamps {
				stamps[i] = makeStamp(e.stampKeys[0], appID, strconv.FormatInt(begin.Add(time.Duration(i)*stampEvery).Unix(), 10))
			}
			return reply{status: http.StatusOK, body: marshal(map[string]any{
				"stamps": stamps, "generated": begin.UTC().Format(time.RFC3339), "frequency": int(stampEvery / time.Millisecond),
			})}
		}
	}
	return page(http.StatusNotFound, "404", "Not Found")
}
