package bench

import (
	"strconv"
	"testing"
)

func short(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

func writePage(b *testing.B, n *numbers) {}
