package engine

// OptOut is what an address to unsubscribe at stands for: whose messages end.
type OptOut struct {
	Channel  string
	Address  string // of the recipient
	List     string // the workflow whose messages end; "" for all on the channel
	Language string // of the page
}
