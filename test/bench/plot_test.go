package bench

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
)

// Size of a plot and of the room around what is drawn in it.
const (
	plotWidth, plotHeight                        = 720.0, 360.0
	roomLeft, roomRight, roomTop, roomBottom     = 64.0, 24.0, 44.0, 56.0
	barHeight, barGap, barLabels, barNumbers     = 26.0, 12.0, 250.0, 150.0
	ink, faint, paper                            = "#1f2933", "#d5dbe1", "#ffffff"
	fontFamily                                   = "system-ui, sans-serif"
	legendStep, tickLength, dotRadius, lineWidth = 18.0, 4.0, 3.5, 2.0
)

// colours tell series apart also for those who see few colours, and in print.
var colours = []string{"#0072b2", "#d55e00", "#009e73", "#7b3294", "#5b6770"}

// axis is one direction of a plot.
type axis struct {
	label     string
	low, high float64
	log       bool
	ticks     []float64
}

// at is where a value lies, from 0 to 1.
func (a axis) at(v float64) float64 {
	if a.log {
		return (math.Log(v) - math.Log(a.low)) / (math.Log(a.high) - math.Log(a.low))
	}
	return (v - a.low) / (a.high - a.low)
}

// point is one value of a series.
type point struct{ x, y float64 }

// series is a line, or dots that stand alone.
type series struct {
	name   string
	points []point
	dots   bool
	hollow bool // dots that were not measured here: goals
}

// plot draws series over two axes.
type plot struct {
	title  string
	x, y   axis
	series []series
}

// svg is the plot as a picture of its own.
func (p plot) svg() string {
	var s strings.Builder
	open(&s, p.title, plotWidth, plotHeight)
	width, height := plotWidth-roomLeft-roomRight, plotHeight-roomTop-roomBottom
	atX := func(v float64) float64 { return roomLeft + width*p.x.at(v) }
	atY := func(v float64) float64 { return roomTop + height*(1-p.y.at(v)) }
	for _, tick := range p.y.ticks {
		line(&s, roomLeft, atY(tick), roomLeft+width, atY(tick), faint, 1)
		text(&s, roomLeft-8, atY(tick)+4, "end", 12, number(tick))
	}
	for _, tick := range p.x.ticks {
		line(&s, atX(tick), roomTop+height, atX(tick), roomTop+height+tickLength, ink, 1)
		text(&s, atX(tick), roomTop+height+18, "middle", 12, number(tick))
	}
	line(&s, roomLeft, roomTop+height, roomLeft+width, roomTop+height, ink, 1)
	text(&s, roomLeft+width/2, plotHeight-14, "middle", 13, p.x.label)
	text(&s, 14, roomTop-14, "start", 13, p.y.label)
	for i, one := range p.series {
		colour := colours[i%len(colours)]
		if !one.dots {
			var path []string
			for _, at := range one.points {
				path = append(path, fmt.Sprintf("%.1f,%.1f", atX(at.x), atY(at.y)))
			}
			fmt.Fprintf(&s, `<polyline points="%s" fill="none" stroke="%s" stroke-width="%g"/>`+"\n", strings.Join(path, " "), colour, lineWidth)
		}
		if one.dots || len(one.points) <= 20 {
			for _, at := range one.points {
				dot(&s, atX(at.x), atY(at.y), colour, one.hollow)
			}
		}
		y := roomTop + 6 + legendStep*float64(i)
		dot(&s, roomLeft+16, y, colour, one.hollow)
		text(&s, roomLeft+26, y+4, "start", 12, one.name)
	}
	s.WriteString("</svg>\n")
	return s.String()
}

// bar is one of several amounts that are compared.
type bar struct {
	name   string
	value  float64
	note   string
	colour int
}

// bars draws amounts below each other, from 0 on.
func bars(title string, all []bar) string {
	var s strings.Builder
	height := roomTop + float64(len(all))*(barHeight+barGap) + barGap
	open(&s, title, plotWidth, height)
	most := 0.0
	for _, b := range all {
		most = max(most, b.value)
	}
	for i, b := range all {
		y := roomTop + float64(i)*(barHeight+barGap)
		length := max(1, (plotWidth-barLabels-barNumbers)*b.value/most)
		text(&s, barLabels-10, y+barHeight/2+4, "end", 13, b.name)
		fmt.Fprintf(&s, `<rect x="%g" y="%g" width="%.1f" height="%g" fill="%s"/>`+"\n", barLabels, y, length, barHeight, colours[b.colour])
		text(&s, barLabels+length+8, y+barHeight/2+4, "start", 13, b.note)
	}
	s.WriteString("</svg>\n")
	return s.String()
}

// open begins a picture that is readable on any background.
func open(s *strings.Builder, title string, width, height float64) {
	fmt.Fprintf(s, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" width="%g" height="%g" role="img" font-family="%s" fill="%s">`+"\n",
		width, height, width, height, fontFamily, ink)
	fmt.Fprintf(s, "<title>%s</title>\n", html.EscapeString(title))
	fmt.Fprintf(s, `<rect width="%g" height="%g" fill="%s"/>`+"\n", width, height, paper)
	text(s, width/2, 20, "middle", 15, title)
}

func line(s *strings.Builder, x1, y1, x2, y2 float64, colour string, width float64) {
	fmt.Fprintf(s, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="%g"/>`+"\n", x1, y1, x2, y2, colour, width)
}

func dot(s *strings.Builder, x, y float64, colour string, hollow bool) {
	fill := colour
	if hollow {
		fill = paper
	}
	fmt.Fprintf(s, `<circle cx="%.1f" cy="%.1f" r="%g" fill="%s" stroke="%s" stroke-width="1.5"/>`+"\n", x, y, dotRadius, fill, colour)
}

func text(s *strings.Builder, x, y float64, anchor string, size int, words string) {
	fmt.Fprintf(s, `<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%d">%s</text>`+"\n", x, y, anchor, size, html.EscapeString(words))
}

// number writes an amount with three digits that count, thousands apart: 19,500, 0.38, 5.
func number(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	digits := 0
	for size := math.Abs(v); size != 0 && size < 100 && digits < 3; size *= 10 {
		digits++
	}
	if v >= 1000 {
		v = math.Round(v/math.Pow(10, math.Floor(math.Log10(v))-2)) * math.Pow(10, math.Floor(math.Log10(v))-2)
	}
	words := strconv.FormatFloat(v, 'f', digits, 64)
	if digits > 0 {
		words = strings.TrimRight(strings.TrimRight(words, "0"), ".")
	}
	whole, fraction, _ := strings.Cut(words, ".")
	for at := len(whole) - 3; at > 0 && whole[at-1] != '-'; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	if fraction != "" {
		return whole + "." + fraction
	}
	return whole
}
