// Sensor-filter leads events through the filters and parameters of a sensor, by the code of Argo Events itself.
//
// Standard input: {"sensor": …, "events": [data, …]}. Standard output: one line of JSON an event: the object that the
// sensor's trigger would create, or null where a filter stops the event.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/argoproj/argo-events/pkg/apis/events/v1alpha1"
	"github.com/argoproj/argo-events/pkg/sensors/dependencies"
	"github.com/argoproj/argo-events/pkg/sensors/triggers"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var given struct {
		Sensor v1alpha1.Sensor   `json:"sensor"`
		Events []json.RawMessage `json:"events"`
	}
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		return err
	}
	dependency := given.Sensor.Spec.Dependencies[0]
	for _, data := range given.Events {
		event := &v1alpha1.Event{Context: &v1alpha1.EventContext{DataContentType: "application/json"}, Data: data}
		made, err := result(event, dependency, given.Sensor.Spec.Triggers[0])
		if err != nil {
			return err
		}
		if err := json.NewEncoder(os.Stdout).Encode(made); err != nil {
			return err
		}
	}
	return nil
}

func result(event *v1alpha1.Event, dependency v1alpha1.EventDependency, trigger v1alpha1.Trigger) (any, error) {
	passes, err := dependencies.Filter(event, dependency.Filters, dependency.FiltersLogicalOperator)
	if err != nil {
		fmt.Fprintln(os.Stderr, "stopped:", err)
	}
	if err != nil || !passes {
		return nil, nil
	}
	source, err := json.Marshal(trigger.Template.K8s.Source.Resource)
	if err != nil {
		return nil, err
	}
	object := &unstructured.Unstructured{}
	if err := json.Unmarshal(source, &object.Object); err != nil {
		return nil, err
	}
	events := map[string]*v1alpha1.Event{dependency.Name: event}
	if err := triggers.ApplyResourceParameters(events, trigger.Template.K8s.Parameters, object); err != nil {
		return nil, err
	}
	return object.Object, nil
}
