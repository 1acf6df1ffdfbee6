import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import org.apache.zookeeper.*;
import org.apache.zookeeper.data.*;

/** Asks a server, by ZooKeeper's own client, for all that this library asks for. */
public class Golden {
  static final byte[] DATA = "ä€😀".getBytes(StandardCharsets.UTF_8);

  public static void main(String[] args) throws Exception {
    CountDownLatch connected = new CountDownLatch(1);
    CountDownLatch again = new CountDownLatch(2);
    ZooKeeper zk = new ZooKeeper(args[0], 10_000, event -> {
      if (event.getState() == Watcher.Event.KeeperState.SyncConnected
          && event.getType() == Watcher.Event.EventType.None) {
        connected.countDown();
        again.countDown();
      }
    });
    connected.await();
    zk.addAuthInfo("digest", "user:password".getBytes());
    zk.create("/golden", DATA, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
    zk.create("/golden/empty", new byte[0], ZooDefs.Ids.CREATOR_ALL_ACL, CreateMode.EPHEMERAL);
    zk.create("/golden/none-", null, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL_SEQUENTIAL);
    zk.create("/golden/two", DATA, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT, new Stat());
    zk.create("/golden/box", DATA, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.CONTAINER);
    zk.setData("/golden", "next".getBytes(), 0);
    Watcher watcher = event -> { };
    Watcher other = event -> { };
    zk.getData("/golden", watcher, new Stat());
    zk.getChildren("/golden", watcher, new Stat());
    zk.getChildren("/golden/two", false);
    zk.exists("/golden/two", watcher);
    zk.exists("/missing", watcher);
    zk.getACL("/golden/empty", new Stat());
    zk.setACL("/golden/two", Arrays.asList(
        new ACL(ZooDefs.Perms.READ, new Id("world", "anyone")),
        new ACL(ZooDefs.Perms.ALL, new Id("auth", ""))), 0);
    zk.whoAmI();
    CountDownLatch synced = new CountDownLatch(1);
    zk.sync("/golden", (code, path, context) -> synced.countDown(), null);
    synced.await();
    zk.multi(Arrays.asList(
        Op.check("/golden", 1),
        Op.create("/golden/multi", DATA, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT),
        Op.setData("/golden/multi", "x".getBytes(), 0),
        Op.delete("/golden/multi", 1)));
    try {
      zk.multi(Arrays.asList(Op.check("/golden", 7), Op.delete("/golden/two", -1)));
    } catch (KeeperException expected) {
      // Its answer has a code for each request.
    }
    zk.getData("/golden/two", other, new Stat());
    zk.removeWatches("/golden/two", other, Watcher.WatcherType.Data, false);
    zk.getData("/golden/two", other, new Stat());
    zk.removeAllWatches("/golden/two", Watcher.WatcherType.Any, false);
    zk.exists("/missing", watcher);
    zk.getData("/golden", watcher, new Stat());
    zk.getChildren("/golden", watcher);
    // Long enough for a ping.
    Thread.sleep(4_000);
    // The recorder cuts the connection now: the watches are set again.
    System.out.println("cut");
    again.await();
    zk.setData("/golden", DATA, -1);
    zk.delete("/golden/two", -1);
    zk.delete("/golden/box", -1);
    zk.close();
  }
}
