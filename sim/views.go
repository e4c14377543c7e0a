package sim

import "net/http"

func (s *Sim) newViews() *http.ServeMux { return http.NewServeMux() }

func viewError(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", contentJSON)
	w.WriteHeader(status)
	_, _ = w.Write(marshal(map[string]string{"error": text}))
}
