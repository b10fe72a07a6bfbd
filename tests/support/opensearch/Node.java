import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.http.HttpServerTransport;
import org.opensearch.plugins.Plugin;
import org.opensearch.transport.Netty4Plugin;
import org.opensearch.transport.TransportService;

/** A node on loopback: `Node NAME FOLDER [ADDRESS OF ANOTHER]`, with the k-NN plugin where its jars are among the others.
 *  Prints its two addresses; ends with its input. */
public class Node extends org.opensearch.node.Node {
    Node(Environment environment) {
        super(environment, plugins(), true);
    }

    static List<Class<? extends Plugin>> plugins() {
        List<Class<? extends Plugin>> found = new ArrayList<>(List.of(Netty4Plugin.class));
        try {
            found.add(Class.forName("org.opensearch.knn.plugin.KNNPlugin").asSubclass(Plugin.class));
        } catch (ClassNotFoundException none) { }
        return found;
    }

    public static void main(String[] arguments) throws Exception {
        Path home = Path.of(arguments[1]);
        Settings.Builder settings = Settings.builder()
            .put("cluster.name", "tandem-tests").put("node.name", arguments[0])
            .put("path.home", home).put("path.data", home.resolve("data"))
            .put("network.host", "127.0.0.1").put("http.port", 0).put("transport.port", 0)
            .put("node.processors", 1)
            .put("cluster.routing.allocation.disk.threshold_enabled", false);
        if (arguments.length > 2) settings.putList("discovery.seed_hosts", arguments[2]);
        else settings.putList("cluster.initial_cluster_manager_nodes", arguments[0]);
        Node node = new Node(new Environment(settings.build(), home.resolve("config")));
        node.start();
        System.out.println("nodes " + node.injector().getInstance(TransportService.class).boundAddress().publishAddress());
        System.out.println("http " + node.injector().getInstance(HttpServerTransport.class).boundAddress().publishAddress());
        while (System.in.read() >= 0) { }
        node.close();
    }
}
