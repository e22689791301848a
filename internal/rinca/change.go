package rinca

// More changes of a plan.
const (
	// Scale makes or removes containers of a service; the others stay.
	Scale Change = "scale"
	// Restart stops the containers and starts the same ones again, since a
	// service or a network that they depend on is made anew.
	Restart Change = "restart"
)
